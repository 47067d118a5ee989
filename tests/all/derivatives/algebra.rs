//! The algebra of motion.

use costate::number::{Dual, Few, Real, Single, dot_check};
use costate::spatial::{
    Force, Inertia, Mat3, Motion, Pose, Quat, Sym3, Vec3, polar, rotation_z_to, slerp, so3_left_jacobian,
    so3_log_jacobian, so3_right_jacobian, symmetric_eigen,
};

use super::function::{Function, functions, rows as rows_of};
use super::{Answer, Row};

const ALL: (f64, f64) = (-2.0, 2.0);

pub fn three<R: Real>(x: &[R], at: usize) -> Vec3<R> {
    Vec3::new(x[at], x[at + 1], x[at + 2])
}
pub fn quat<R: Real>(x: &[R], at: usize) -> Quat<R> {
    Quat::new(x[at], x[at + 1], x[at + 2], x[at + 3])
}
fn motion<R: Real>(x: &[R], at: usize) -> Motion<R> {
    Motion::new(three(x, at), three(x, at + 3))
}
fn force<R: Real>(x: &[R], at: usize) -> Force<R> {
    Force::new(three(x, at), three(x, at + 3))
}
fn symmetric<R: Real>(x: &[R], at: usize) -> Sym3<R> {
    Sym3::from([x[at], x[at + 1], x[at + 2], x[at + 3], x[at + 4], x[at + 5]])
}
fn inertia<R: Real>(x: &[R], at: usize) -> Inertia<R> {
    Inertia { mass: x[at], first: three(x, at + 1), second: symmetric(x, at + 4) }
}
pub fn entries<R: Real>(m: Mat3<R>) -> Vec<R> {
    m.columns().iter().flat_map(|c| c.to_array()).collect()
}
fn six<R: Real>(f: Force<R>) -> Vec<R> {
    [f.torque.to_array(), f.force.to_array()].concat()
}
fn six_motion<R: Real>(m: Motion<R>) -> Vec<R> {
    [m.angular.to_array(), m.linear.to_array()].concat()
}
/// A matrix not far from a rotation.
pub fn near_rotation<R: Real>(x: &[R]) -> Mat3<R> {
    let turned = Quat::exp(three(x, 6)).to_matrix();
    turned
        * (Mat3::identity()
            + Mat3::from_columns(three(x, 0), three(x, 3), three(x, 6)).scale(R::from_f64(0.2)))
}
/// What does not change with the signs of the axes: the values, and `R diag(1, 2, 3) Rᵀ`.
pub fn eigen<R: Real>(s: Sym3<R>) -> Vec<R> {
    let (values, axes) = symmetric_eigen(s);
    let marked = Sym3::congruence(axes.to_matrix(), Vec3::from_f64([1.0, 2.0, 3.0]));
    [values.to_array().to_vec(), marked.to_array().to_vec()].concat()
}

fn vectors() -> Vec<Function> {
    functions! {
        "spatial/vector.rs::dot, cross, product": 6 in ALL => |x| {
            let (a, b) = (three(x, 0), three(x, 3));
            [vec![a.dot(b)], a.cross(b).to_array().to_vec(), a.product(b).to_array().to_vec()].concat()
        };
        "spatial/vector.rs::norm": 3 in ALL => |x| vec![three(x, 0).norm()];
        "spatial/vector.rs::add, sub, neg, mul": 7 in ALL => |x| {
            let (mut a, mut b) = (three(x, 0), three(x, 0));
            a += three(x, 3) * x[6];
            b -= -three(x, 3) * x[0];
            (a - b * x[1]).to_array().to_vec()
        };
        "spatial/vector.rs::Mat3 products": 15 in ALL => |x| {
            let m = Mat3::from_columns(three(x, 0), three(x, 3), three(x, 6));
            let n = Mat3::skew(three(x, 9)) + m.transpose() - Mat3::identity().scale(x[12]);
            let v = three(x, 12);
            [entries(m * n), (m * v).to_array().to_vec(), n.transpose_mul(v).to_array().to_vec()].concat()
        };
        "spatial/vector.rs::determinant, inverse": 9 in ALL => |x| {
            let m = near_rotation(x);
            let mut out = entries(m.inverse());
            out.push(m.determinant());
            out
        };
        "spatial/vector.rs::Sym3 products": 12 in ALL => |x| {
            let (s, r) = (symmetric(x, 0), Quat::exp(three(x, 6)).to_matrix());
            let sum = s.rotated(r) + Sym3::congruence(r, three(x, 9)) + Sym3::point(three(x, 6)).scale(x[0]);
            [sum.to_array().to_vec(), (sum * three(x, 9)).to_array().to_vec(), entries(s.to_mat3())].concat()
        };
        "spatial/vector.rs::Sym3::form": 6 in ALL => |x| Sym3::form(three(x, 0), three(x, 3)).to_array().to_vec();
    }
}

fn rotations() -> Vec<Function> {
    functions! {
        "spatial/rotation.rs::exp": 3 in ALL => |x| Quat::exp(three(x, 0)).to_array().to_vec();
        "spatial/rotation.rs::log": 4 in ALL => |x| quat(x, 0).normalized().log().to_array().to_vec();
        "spatial/rotation.rs::normalized": 4 in ALL => |x| quat(x, 0).normalized().to_array().to_vec();
        "spatial/rotation.rs::mul, conjugate": 8 in ALL => |x| {
            (quat(x, 0) * quat(x, 4).conjugate()).to_array().to_vec()
        };
        "spatial/rotation.rs::rotate": 7 in ALL => |x| {
            quat(x, 0).normalized().rotate(three(x, 4)).to_array().to_vec()
        };
        "spatial/rotation.rs::to_matrix": 4 in ALL => |x| entries(quat(x, 0).to_matrix());
        "spatial/rotation.rs::from_axis_angle": 4 in ALL => |x| {
            Quat::from_axis_angle(three(x, 0), x[3]).to_array().to_vec()
        };
        "spatial/rotation.rs::slerp": 9 in ALL => |x| {
            slerp(quat(x, 0).normalized(), quat(x, 4).normalized(), x[8]).to_array().to_vec()
        };
        "spatial/rotation.rs::rotation_z_to": 3 in ALL => |x| rotation_z_to(three(x, 0)).to_array().to_vec();
        "spatial/rotation.rs::so3_right_jacobian": 3 in ALL => |x| entries(so3_right_jacobian(three(x, 0)));
        "spatial/rotation.rs::so3_left_jacobian": 3 in ALL => |x| entries(so3_left_jacobian(three(x, 0)));
        "spatial/rotation.rs::so3_log_jacobian": 3 in (-1.5, 1.5) => |x| entries(so3_log_jacobian(three(x, 0)));
        "spatial/rotation.rs::polar": 9 in (-1.0, 1.0) => |x| entries(polar(near_rotation(x)));
        "spatial/transform.rs::Pose products": 17 in ALL => |x| {
            let pose = |at: usize| Pose { position: three(x, at), rotation: quat(x, at + 3).normalized() };
            let p = pose(0) * pose(7).inverse();
            let point = p.point(three(x, 14));
            [p.position.to_array().to_vec(), p.rotation.to_array().to_vec(), point.to_array().to_vec()].concat()
        };
    }
}

fn six_vectors() -> Vec<Function> {
    functions! {
        "spatial/motion.rs::dot, at": 15 in ALL => |x| {
            let m = motion(x, 0);
            [vec![m.dot(force(x, 6))], m.at(three(x, 12)).to_array().to_vec()].concat()
        };
        "spatial/motion.rs::cross": 12 in ALL => |x| six_motion(motion(x, 0).cross(motion(x, 6)));
        "spatial/motion.rs::cross_force": 12 in ALL => |x| six(motion(x, 0).cross_force(force(x, 6)));
        "spatial/motion.rs::add, sub, neg, mul": 13 in ALL => |x| {
            let mut m = motion(x, 0) * x[12] - motion(x, 6);
            m += -motion(x, 0);
            six_motion(m + motion(x, 6) * x[0])
        };
        "spatial/force.rs::at, add, sub, neg, mul": 13 in ALL => |x| {
            let mut f = Force::at(three(x, 0), three(x, 3)) * x[12] + force(x, 6);
            f -= -force(x, 0);
            f += force(x, 6) - force(x, 0) * x[1];
            six(f)
        };
        "spatial/inertia.rs::mul": 16 in ALL => |x| six(inertia(x, 0).mul(motion(x, 10)));
        "spatial/inertia.rs::about": 10 in ALL => |x| {
            let mut i = Inertia::about(x[0], three(x, 1), symmetric(x, 4));
            i += Inertia::about(x[1], three(x, 2), symmetric(x, 3)) + Inertia::zero();
            [vec![i.mass], i.first.to_array().to_vec(), i.second.to_array().to_vec()].concat()
        };
        "spatial/inertia.rs::form": 12 in ALL => |x| {
            let i = Inertia::form(motion(x, 0), motion(x, 6));
            [vec![i.mass], i.first.to_array().to_vec(), i.second.to_array().to_vec()].concat()
        };
        "spatial/inertia.rs::symmetric_eigen": 6 in ALL => |x| {
            // Far enough from equal values that a difference can be taken.
            let s = symmetric(x, 0).scale(R::from_f64(0.2));
            eigen(s + Sym3::diagonal(Vec3::from_f64([1.0, 3.0, 5.0])))
        };
    }
}

/// `q̄ = 2 (0, t) ⊗ q` is the transpose of `δq = ½ (0, δθ) ⊗ q` along the sphere of unit quaternions.
fn turn_row() -> Answer {
    let q = Quat::new(0.3, -0.5, 0.7, 0.1).normalized();
    let (t, d) = (Vec3::new(0.4, -1.2, 0.9), Vec3::new(-0.3, 0.8, 1.1));
    let turn = Quat::exp(d.map(|d| Single::<f64>::new(0.0, d)));
    let moved = (turn * q.map(Single::constant)).to_array().map(|x| x.derivative());
    let pulled = q.pullback_of_turn(t).to_array();
    let shifted = |h: f64| (Quat::exp(d * h) * q).to_array();
    let difference = (0..4).map(|k| {
        let central = |h: f64| (shifted(h)[k] - shifted(-h)[k]) / (2.0 * h);
        ((4.0 * central(5e-5) - central(1e-4)) / 3.0 - moved[k]).abs()
    });
    Answer {
        difference: difference.fold(0.0, f64::max),
        dot: dot_check(&t.to_array(), &d.to_array(), &pulled, &moved).error,
    }
}

pub fn rows() -> Vec<Row> {
    let mut rows = rows_of(vectors());
    rows.extend(rows_of(rotations()));
    rows.extend(rows_of(six_vectors()));
    rows.push(Row::new("spatial/rotation.rs::pullback_of_turn", turn_row));
    rows
}

#[test]
fn a_wrong_sign_in_the_algebra_is_seen() {
    let mut exp = rotations().remove(0);
    assert!(exp.ask().is_right());
    exp.single = |x| {
        let mut q = Quat::exp(three(x, 0));
        q.v.y = Dual { value: q.v.y.value, tangent: Few([-q.v.y.derivative()]) };
        q.to_array().to_vec()
    };
    let answer = exp.ask_alone();
    assert!(answer.difference > 1e-2 && answer.dot > 1e-3, "{answer:?}");
}

#[test]
fn the_forms_are_cotangents_of_what_they_say() {
    // x · I y is linear in the ten numbers: its derivative by each is the entry of the form.
    let x: Vec<f64> = (0..22).map(|k| (1.3 * k as f64).sin()).collect();
    let (a, b) = (motion(&x, 0), motion(&x, 6));
    let value = |i: Inertia<f64>| a.dot(i.mul(b));
    let form = Inertia::form(a, b);
    let flat = [vec![form.mass], form.first.to_array().to_vec(), form.second.to_array().to_vec()].concat();
    for (k, entry) in flat.into_iter().enumerate() {
        let mut unit = [0.0; 10];
        unit[k] = 1.0;
        assert!((value(inertia(&unit, 0)) - entry).abs() < 1e-14, "entry {k}");
    }
}

#[test]
fn eigenvectors_of_eight_different_matrices_are_found_at_once() {
    use costate::number::Lanes;
    let worlds: Vec<Vec<f64>> =
        (0..8).map(|k| (0..6).map(|i| (f64::from(k) * 1.7 + f64::from(i) * 0.9).sin()).collect()).collect();
    let x: Vec<Lanes> = (0..6).map(|i| Lanes::new(std::array::from_fn(|k| worlds[k][i]))).collect();
    let (values, axes) = symmetric_eigen(symmetric(&x, 0));
    for (k, world) in worlds.iter().enumerate() {
        let (values, axes) = (values.map(|v| v.lane(k)), axes.map(|v| v.lane(k)));
        assert!(values.x >= values.y && values.y >= values.z);
        let back = Sym3::congruence(axes.to_matrix(), values).to_array();
        for (a, b) in back.iter().zip(symmetric(world, 0).to_array()) {
            assert!((a - b).abs() < 1e-13, "lane {k}: {a} is not {b}");
        }
    }
}

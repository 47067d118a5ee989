//! Stop 11: Hessian times vector, and Newton's method. `cargo run --release --example tour -- 11`
//!
//! The sweep back is generic over the number: on numbers with tangents it gives the gradient and, in the same sweep,
//! the exact products of the Hessian with eight directions. Two of them make the Hessian of the throw of stop 2, and
//! Newton's method needs four iterations where descent took thirty. The picture shows both.

use costate::model::{Input, State};
use costate::number::{Real, Tangent, Wide};
use costate::objective::Custom;
use costate::physics::derive;
use costate::report::descents;
use costate::rollout::{Memory, Workspace, value_and_gradient};
use costate::scene::mjcf;
use nalgebra::{Matrix2, Vector2};

use super::first_gradient::{BALL, Miss, STEPS};
use super::{Done, show};

type Number = Wide<f64>;

pub fn run() -> Done {
    let model = derive::compile(&mjcf::parse(BALL, "ball.xml".as_ref())?).map(Number::from_f64);
    let mut start = State::reference(&model);
    let inputs = vec![Input::zero(&model); STEPS];
    let mut workspace = Workspace::new(&model, &start);
    // Value, gradient, and Hessian.
    let mut at = |v: Vector2<f64>| -> Result<_, costate::Error> {
        start.v = vec![Number::variable(v.x, 0), Number::variable(v.y, 1)];
        let (cost, gradient) =
            value_and_gradient(&model, &start, &inputs, &mut Custom(Miss), Memory::Full, &mut workspace)?;
        let by = &gradient.start.v;
        Ok((
            cost.value,
            Vector2::new(by[0].value, by[1].value),
            Matrix2::from_fn(|i, j| by[i].tangent.get(j)),
        ))
    };
    let mut ways = Vec::new();
    for (name, newton) in [("descent", false), ("Newton", true)] {
        let (mut v, mut costs) = (Vector2::new(3.0, 5.0), Vec::new());
        for iteration in 0..30 {
            let (cost, gradient, hessian) = at(v)?;
            costs.push((f64::from(iteration), cost.max(1e-30)));
            let step = hessian.try_inverse().ok_or("the Hessian is singular")? * gradient;
            v -= if newton { step } else { 0.4 * gradient };
        }
        println!(
            "{name}: {:.3?} m/s, cost {:.1e} m² after 4 iterations, {:.1e} after 29",
            v.as_slice(),
            costs[4].1,
            costs[29].1
        );
        ways.push((name.to_owned(), costs));
    }
    show("11_curvature", &descents("iterations", ways))
}

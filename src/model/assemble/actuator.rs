//! Actuators: gears, laws, and what they add to joints and tendons.

use super::super::description::{self as file, Description, Law};
use super::super::parameter::Source;
use super::super::tree::{Actuator, Joint, Tendon};
use super::{ANY, NOT_NEGATIVE, POSITIVE, Reader};
use crate::number::Real;

pub(super) fn actuator<R: Real, S: Source<R>>(
    d: &Description,
    k: usize,
    joints: &mut [Joint<R>],
    tendons: &mut [Tendon<R>],
    source: &mut S,
) -> Actuator<R> {
    let a = &d.actuators[k];
    let mut read = Reader { source, kind: "actuator", element: Some((&a.name, k)) };
    let gears = match a.transmission {
        file::Transmission::Tendon(_) => 1,
        file::Transmission::Particles => 0,
        file::Transmission::Site { .. } => 6,
        file::Transmission::Joint(j) | file::Transmission::JointInParent(j) => d.joints[j].kind.sizes().1,
    };
    let mut gear = a.gear.map(R::from_f64);
    for (i, gear) in gear.iter_mut().enumerate().take(gears) {
        *gear = read.entry("gear", Some(i), "–", ANY, a.gear[i]);
    }
    let (gain, bias, damping_ratio) = law(&mut read, &a.law);
    let own_damping: [R; 3] = read.array("damping", "N s/m", ANY, a.damping);
    let own_armature = read.number("armature", "kg", NOT_NEGATIVE, a.armature);
    let square = gear[0] * gear[0];
    let (damping, armature) = match a.transmission {
        file::Transmission::Joint(j) | file::Transmission::JointInParent(j) => {
            (Some(&mut joints[j].damping), Some(&mut joints[j].armature))
        }
        file::Transmission::Tendon(t) => (Some(&mut tendons[t].damping), Some(&mut tendons[t].armature)),
        file::Transmission::Site { .. } | file::Transmission::Particles => (None, None),
    };
    for (sum, own) in damping.into_iter().flatten().zip(own_damping) {
        *sum += square * own;
    }
    if let Some(sum) = armature {
        *sum += square * own_armature;
    }
    let time_constant = match a.dynamics {
        file::Dynamics::Filter | file::Dynamics::FilterExact => {
            read.number("timeconst", "s", POSITIVE, a.time_constant)
        }
        _ => R::from_f64(a.time_constant),
    };
    Actuator {
        gear,
        gain,
        bias,
        damping_ratio,
        time_constant,
        ctrl_range: read.range("ctrlrange", "–", a.ctrl_range),
        force_range: read.range("forcerange", "N", a.force_range),
        act_range: read.range("actrange", "–", a.act_range),
    }
}

/// Gain, bias and damping ratio of an actuator law.
fn law<R: Real, S: Source<R>>(read: &mut Reader<'_, '_, S>, law: &Law) -> ([R; 3], [R; 3], Option<R>) {
    let o = R::zero();
    match *law {
        Law::General { gain, affine_gain, bias } => {
            let gain = if affine_gain {
                read.array("gainprm", "–", ANY, gain)
            } else {
                [read.entry("gainprm", Some(0), "–", ANY, gain[0]), o, o]
            };
            (gain, bias.map_or([o; 3], |bias| read.array("biasprm", "–", ANY, bias)), None)
        }
        Law::Motor => ([R::one(), o, o], [o; 3], None),
        Law::Servo { kp, kv, damping_ratio } => {
            let kp = read.number("kp", "N/m", ANY, kp);
            let ratio = damping_ratio.map(|z| read.number("dampratio", "–", NOT_NEGATIVE, z));
            let kv = if ratio.is_none() { read.number("kv", "N s/m", ANY, kv) } else { o };
            ([kp, o, o], [o, -kp, -kv], ratio)
        }
        Law::Velocity { kv } => {
            let kv = read.number("kv", "N s/m", ANY, kv);
            ([kv, o, o], [o, o, -kv], None)
        }
        Law::Damper { kv } => ([o, o, -read.number("kv", "N s/m", ANY, kv)], [o; 3], None),
        Law::Cylinder { area, bias } => {
            let area = read.number("area", "m²", ANY, area);
            ([area, o, o], read.array("bias", "–", ANY, bias), None)
        }
    }
}

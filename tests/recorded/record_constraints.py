"""Records MuJoCo's numbers for models that touch, are limited, rub or are tied: constraints are on.

    python tests/recorded/record_constraints.py [model name ...]

Needs mujoco==4.0.0 and numpy. Writes one JSON file into tests/recorded/constraints for every model of
tests/models/constraints, for an arm in URDF, and for the robots of scenes/models. Each state has a friction cone and a ratio of impedances
of its own. The solver runs to the end of its precision: tolerance 0, 200 iterations, from a cold start.
"""

import sys

import mujoco
import numpy as np

from record import HERE, INTEGRATORS, ROOT, VERSION, after, broken, difference, flat, fnv1a, inputs, put, save

ROBOTS = "hopper walker cheetah quadruped humanoid gripper".split()
STATES = 20
CONES = [(0, 1.0), (1, 1.0), (1, 3.0), (0, 3.0)]
# Integrator and cone of the trajectories.
PATHS = [("Euler", 0), ("Euler", 1), ("RK4", 0), ("implicit", 2), ("implicitfast", 0)]


def load(path):
    """A model whose constraint forces are found to the end of the solver's precision."""
    m = mujoco.MjModel.from_xml_path(str(path))
    m.opt.tolerance, m.opt.iterations, m.opt.ls_iterations = 0, 200, 100
    m.opt.solver = mujoco.mjtSolver.mjSOL_NEWTON
    m.opt.jacobian = mujoco.mjtJacobian.mjJAC_DENSE
    m.opt.disableflags |= mujoco.mjtDisableBit.mjDSBL_WARMSTART | mujoco.mjtDisableBit.mjDSBL_ISLAND
    return m


def base(m, d, index):
    """A keyframe, or the configuration of the file."""
    mujoco.mj_resetData(m, d)
    if m.nkey:
        names = [m.key(k).name for k in range(m.nkey)]
        stands = index % 4 and "stand" in names
        mujoco.mj_resetDataKeyframe(m, d, names.index("stand") if stands else index // 4 % m.nkey)


def random_controls(m, rng, beyond):
    u = np.zeros(m.nu)
    for i in range(m.nu):
        lo, hi = m.actuator_ctrlrange[i] if m.actuator_ctrllimited[i] else (-1.5, 1.5)
        u[i] = (lo + hi) / 2 + beyond * rng.uniform(-1, 1) * (hi - lo) / 2
    return np.round(u, 3)


def perturb(m, d, rng, size, speed):
    """Moves every body and joint a little, and gives it a velocity."""
    dq = rng.normal(0, 1, m.nv)
    for i in range(m.nv):
        kind, part = m.jnt_type[m.dof_jntid[i]], i - m.jnt_dofadr[m.dof_jntid[i]]
        shift = kind == mujoco.mjtJoint.mjJNT_SLIDE or kind == mujoco.mjtJoint.mjJNT_FREE and part < 3
        dq[i] *= size if shift else 8 * size
    mujoco.mj_integratePos(m, d.qpos, dq, 1.0)
    d.qvel[:] += rng.normal(0, speed, m.nv)


def random_state(m, d, rng, index):
    """In contact most of the time: some steps of a wild motion, then a small displacement and a large velocity."""
    for attempt in range(60):
        base(m, d, index)
        d.qvel[:] = rng.normal(0, 0.3, m.nv)
        d.mocap_pos[:] += rng.normal(0, 0.05, (m.nmocap, 3))
        for _ in range([0, 4, 20, 60][index % 4]):
            d.ctrl[:] = random_controls(m, rng, 0.7)
            mujoco.mj_step(m, d)
        perturb(m, d, rng, [0.004, 0.015, 0.04][attempt % 3 if attempt > 20 else index % 3], [0.1, 1, 4][index // 2 % 3])
        if m.nmocap:
            d.mocap_quat[:] = rng.normal(size=(m.nmocap, 4)) * 0.1 + d.mocap_quat
        d.act[:] = rng.normal(0, 0.6, m.na)
        d.ctrl[:] = random_controls(m, rng, 0.9 if index % 4 < 2 else 1.7)
        if index % 3 == 2:
            d.qfrc_applied[:] = rng.normal(0, 1.5, m.nv)
            d.xfrc_applied[:] = rng.normal(0, 1.5, (m.nbody, 6))
        state = {k: getattr(d, k).copy() for k in
                 ("qpos", "qvel", "act", "ctrl", "qfrc_applied", "xfrc_applied", "mocap_pos", "mocap_quat")}
        put(m, d, state)
        mujoco.mj_forward(m, d)
        touching = d.ncon > 0 or not any(m.geom_contype) or m.opt.disableflags & mujoco.mjtDisableBit.mjDSBL_CONTACT
        if not broken(d) and (index % 5 == 4 or d.nefc > 0 and (touching or attempt > 30)):
            return state
    return state


def contacts(m, d):
    rows = []
    for k, c in enumerate(d.contact):
        if c.exclude:
            continue  # Within the gap: seen, but without force.
        force = np.zeros(6)
        mujoco.mj_contactForce(m, d, k, force)
        rows.append(flat(np.concatenate([c.geom, [c.dist], c.pos, c.frame, force])))
    return rows


def record_state(m, d, state, cone):
    m.opt.cone, m.opt.impratio = CONES[cone]
    put(m, d, state)
    mujoco.mj_forward(m, d)
    kinds = np.array(d.efc_type)
    other = kinds <= int(mujoco.mjtConstraint.mjCNSTR_LIMIT_TENDON)
    r = {**inputs(state), "elliptic": CONES[cone][0], "impratio": CONES[cone][1], "contacts": contacts(m, d)}
    for field in ("vel", "aref", "R", "force"):
        r[field] = flat(np.array(getattr(d, f"efc_{field}"))[other])
    r["qfrc_constraint"], r["qacc"] = flat(d.qfrc_constraint), flat(d.qacc)
    mujoco.mj_step(m, d)
    r["after1"] = after(d)
    return r, d.nefc


def run(m, d, state, controls, marks, nudge):
    put(m, d, state)
    d.qvel[:] += nudge
    out = []
    for k in range(max(marks)):
        d.ctrl[:] = controls[k % len(controls)]
        mujoco.mj_step(m, d)
        if k + 1 in marks:
            out.append((d.qpos.copy(), d.qvel.copy(), d.act.copy()))
    return out


def record_paths(m, d, rng, robot):
    """Whole motions from a slow start; growth says how much a small error of the initial velocity grows."""
    rows = []
    for number, (name, cone) in enumerate(PATHS):
        m.opt.integrator = INTEGRATORS[name]
        m.opt.cone, m.opt.impratio = CONES[cone]
        base(m, d, 1)
        perturb(m, d, rng, 0.002, 0.1)
        state = {k: getattr(d, k).copy() for k in
                 ("qpos", "qvel", "act", "ctrl", "qfrc_applied", "xfrc_applied", "mocap_pos", "mocap_quat")}
        controls = [random_controls(m, rng, 0.4) for _ in range(20 if m.nu else 1)]
        marks = [60, 200] if robot else [100]
        ends = run(m, d, state, controls, marks, 0)
        if broken(d):
            continue
        nudged = run(m, d, state, controls, marks, 1e-9)
        growth = []
        for (q, v, _), (p, w, _) in zip(ends, nudged):
            growth.append(float(max(np.abs(difference(m, q, p)).max(), np.abs(v - w).max()) / 1e-9))
        rows.append({
            "integrator": name, "elliptic": CONES[cone][0], "impratio": CONES[cone][1], **inputs(state),
            "controls": [flat(u) for u in controls], "marks": marks, "growth": growth,
            "ends": [flat(np.concatenate(end)) for end in ends],
        })
    return rows


def record(path):
    m = load(path)
    d = mujoco.MjData(m)
    rng = np.random.default_rng(fnv1a(("constraints " + path.stem).encode()))
    own = m.opt.integrator
    states, rows = [], []
    for k in range(STATES):
        m.opt.cone, m.opt.impratio = CONES[k % 4]
        state, count = record_state(m, d, random_state(m, d, rng, k), k % 4)
        states.append(state)
        rows.append(count)
    paths = record_paths(m, d, rng, path.stem in ROBOTS)
    m.opt.integrator = own
    return rows, {
        "mujoco": mujoco.__version__,
        "model": path.relative_to(ROOT).as_posix(),
        "hash": f"{fnv1a(path.read_bytes()):016x}",
        "states": states,
        "paths": paths,
    }


def main(names):
    assert mujoco.__version__ == VERSION, f"needs mujoco {VERSION}"
    folder = HERE / "constraints"
    folder.mkdir(exist_ok=True)
    small = sorted((ROOT / "tests/models/constraints").glob("*.xml")) + [ROOT / "tests/models/urdf/arm7.urdf"]
    for path in small + [ROOT / f"scenes/models/{name}.xml" for name in ROBOTS]:
        if names and path.stem not in names:
            continue
        rows, result = record(path)
        out = folder / f"{path.stem}.json"
        save(out, result)
        touching = sum(len(s["contacts"]) > 0 for s in result["states"])
        growth = max((g for p in result["paths"] for g in p["growth"]), default=0)
        print(f"{path.stem:28} {out.stat().st_size:8} bytes, touches in {touching:2}, rows {min(rows):3} to {max(rows):3}, "
              f"{len(result['paths'])} paths, growth {growth:.1e}")


if __name__ == "__main__":
    main(sys.argv[1:])

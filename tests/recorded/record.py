"""Records MuJoCo's numbers for every model of tests/models and scenes/models, but for robots that stand on a floor.

    python tests/recorded/record.py [model name ...]

Needs mujoco==4.0.0 and numpy. Writes one JSON file per model beside this script. Constraints (contacts, limits,
equalities, friction loss) are off, everything else is as the file says. Matrices are flat, row by row; spatial vectors
are rotation first; xfrc_applied is force first. A `null` stands where the engine's own result is not finite.
"""

import json
import pathlib
import sys

import mujoco
import numpy as np

VERSION = "4.0.0"
HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
STATES = 20
FULL_STATES = 6  # these also carry M, ten_J, body velocities and sites
INTEGRATORS = {"Euler": 0, "RK4": 1, "implicit": 2, "implicitfast": 3}
# record_constraints.py records these.
STANDING = "hopper walker cheetah quadruped gripper".split()
STATE = ("qpos", "qvel", "act")
INPUTS = ("qpos", "qvel", "act", "ctrl", "qfrc_applied", "xfrc_applied", "mocap_pos", "mocap_quat")
FIELDS = (
    "xpos xquat qfrc_bias qfrc_passive qfrc_spring qfrc_damper qfrc_gravcomp qfrc_fluid ten_length ten_velocity "
    "actuator_length actuator_velocity actuator_force act_dot qfrc_actuator qacc energy"
).split()
CONSTANTS = (
    "body_mass body_ipos body_pos body_quat body_invweight0 dof_invweight0 tendon_invweight0 tendon_length0 "
    "tendon_lengthspring qpos0 qpos_spring geom_pos geom_quat geom_size geom_type geom_bodyid jnt_axis jnt_pos "
    "jnt_range actuator_gainprm actuator_biasprm dof_armature dof_damping"
).split()


def fnv1a(data):
    """The 64-bit FNV-1a hash of some bytes."""
    h = 0xCBF29CE484222325
    for byte in data:
        h = (h ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return h


def flat(array):
    """A flat list that reads back exactly; null where a number is not finite."""
    array = np.asarray(array)
    if array.dtype == bool or np.issubdtype(array.dtype, np.integer):
        return [int(x) for x in array.ravel()]
    return [None if not np.isfinite(x) else 0 if x == 0 else float(x) for x in array.ravel()]


def save(path, content):
    path.write_text(json.dumps(content, separators=(",", ":"), allow_nan=False) + "\n")


def constants(m):
    c = {k: int(getattr(m, k)) for k in ("nq", "nv", "nu", "na", "nbody")}
    c["timestep"] = m.opt.timestep
    c["body_name"] = [m.body(b).name for b in range(m.nbody)]
    inertia = []
    for b in range(m.nbody):
        R = np.zeros(9)
        mujoco.mju_quat2Mat(R, m.body_iquat[b])
        R = R.reshape(3, 3)
        inertia.append(R @ np.diag(m.body_inertia[b]) @ R.T)
    c["inertia"] = flat(np.array(inertia))
    c["meaninertia"] = m.stat.meaninertia
    for k in CONSTANTS:
        c[k] = flat(getattr(m, k))
    return c


def random_state(m, rng, index):
    """Far from rest: fast, quaternions of any length, controls beyond their range, forces from outside in every second."""
    s = {"qpos": m.qpos0.copy()}
    for j in range(m.njnt):
        a, kind = m.jnt_qposadr[j], m.jnt_type[j]
        if kind == mujoco.mjtJoint.mjJNT_FREE:
            s["qpos"][a : a + 3] += rng.normal(0, 0.5, 3)
            a += 3
        if kind in (mujoco.mjtJoint.mjJNT_FREE, mujoco.mjtJoint.mjJNT_BALL):
            q = rng.normal(size=4)
            s["qpos"][a : a + 4] = q / np.linalg.norm(q) * rng.uniform(0.5, 2)
        else:
            s["qpos"][a] += rng.normal(0, 0.3 if kind == mujoco.mjtJoint.mjJNT_SLIDE else 1)
    s["qvel"] = rng.normal(0, 3, m.nv)
    s["act"] = rng.normal(0, 0.6, m.na)
    for i in range(m.nactuator):
        if m.actuator_actlimited[i]:
            lo, hi = m.actuator_actrange[i]
            s["act"][m.actuator_actadr[i]] = (lo + hi) / 2 + 1.2 * rng.uniform(-1, 1) * (hi - lo) / 2
    s["ctrl"] = np.zeros(m.nu)
    for i in range(m.nu):
        lo, hi = m.actuator_ctrlrange[i] if m.actuator_ctrllimited[i] else (-1.5, 1.5)
        beyond = 1.6 if index % 4 >= 2 else 0.95
        s["ctrl"][i] = (lo + hi) / 2 + beyond * rng.uniform(-1, 1) * (hi - lo) / 2
    applied = index % 2
    s["qfrc_applied"] = applied * rng.normal(0, 1.5, m.nv)
    s["xfrc_applied"] = applied * rng.normal(0, 1.5, (m.nbody, 6))
    s["mocap_pos"] = rng.normal(0, 0.5, (m.nmocap, 3)) + (0, 0, 1)
    s["mocap_quat"] = rng.normal(size=(m.nmocap, 4))
    return s


def moderate(m, state):
    """The same pose, slower, with controls inside their ranges and no force from outside."""
    s = {k: np.array(v) for k, v in state.items()}
    s["qvel"] *= 0.2
    s["qfrc_applied"] *= 0
    s["xfrc_applied"] *= 0
    for i in range(m.nu):
        if m.actuator_ctrllimited[i]:
            lo, hi = m.actuator_ctrlrange[i]
            s["ctrl"][i] = np.clip(s["ctrl"][i], 0.9 * lo + 0.1 * hi, 0.1 * lo + 0.9 * hi)
    return s


def put(m, d, state):
    mujoco.mj_resetData(m, d)
    for k in INPUTS:
        getattr(d, k)[:] = state[k]


def inputs(state):
    return {k: flat(state[k]) for k in INPUTS}


def after(d):
    return {k: flat(getattr(d, k)) for k in STATE}


def full_mass_matrix(m, d):
    M = np.zeros((m.nv, m.nv))
    mujoco.mj_fullM(m, d, M)
    return M


def dense_tendon_jacobian(m, d):
    J = np.zeros((m.ntendon, m.nv))
    for t in range(m.ntendon):
        a, n = m.ten_J_rowadr[t], m.ten_J_rownnz[t]
        J[t, m.ten_J_colind[a : a + n]] = np.ravel(d.ten_J)[a : a + n]
    return J


def record_state(m, d, state, full):
    r = inputs(state)
    put(m, d, state)
    mujoco.mj_forward(m, d)
    for k in FIELDS:
        r[k] = flat(getattr(d, k))
    if full:
        velocity = np.zeros((m.nbody, 6))
        for b in range(m.nbody):
            v = np.zeros(6)
            mujoco.mj_objectVelocity(m, d, mujoco.mjtObj.mjOBJ_XBODY, b, v, 0)
            velocity[b] = v
        r["M"] = flat(full_mass_matrix(m, d))
        r["ten_J"] = flat(dense_tendon_jacobian(m, d))
        r["body_velocity"] = flat(velocity)
        r["site_xpos"] = flat(d.site_xpos)
    put(m, d, state)
    mujoco.mj_step(m, d)
    r["after1"] = after(d)
    return r


def broken(d):
    state = np.concatenate([d.qpos, d.qvel, d.act])
    return any(w.number for w in d.warning) or not np.all(np.isfinite(state)) or np.abs(state).max() > 1e6


def difference(m, q0, q1):
    dq = np.zeros(m.nv)
    mujoco.mj_differentiatePos(m, dq, 1.0, q0, q1)
    return dq


def record_steps(m, d, states):
    rows = []
    for name, number in INTEGRATORS.items():
        for state in states[:2]:
            s = moderate(m, state)
            m.opt.integrator = number
            put(m, d, s)
            mujoco.mj_step(m, d)
            row = {"integrator": name, **inputs(s), "after1": None if broken(d) else after(d)}
            ends = []
            for nudge in (1e-8, 0):
                put(m, d, s)
                d.qvel[:] += nudge
                for _ in range(100):
                    mujoco.mj_step(m, d)
                ends.append((d.qpos.copy(), d.qvel.copy()))
            row["after100"] = None if broken(d) else after(d)
            # How much a small error of the initial velocity has grown after 100 steps.
            if row["after100"] is not None:
                dq = difference(m, ends[1][0], ends[0][0])
                row["growth"] = float(max(np.abs(dq).max(), np.abs(ends[0][1] - ends[1][1]).max()) / 1e-8)
            rows.append(row)
    return rows


def transition_by_steps(m, d, s, eps):
    """A and B by central differences of whole steps, for RK4, which the engine's own routine refuses."""

    def step(dx, du):
        put(m, d, s)
        mujoco.mj_integratePos(m, d.qpos, dx[: m.nv], 1.0)
        d.qvel[:] += dx[m.nv : 2 * m.nv]
        d.act[:] += dx[2 * m.nv :]
        d.ctrl[:] += du
        mujoco.mj_step(m, d)
        return d.qpos.copy(), np.concatenate([d.qvel, d.act])

    n = 2 * m.nv + m.na
    columns = []
    for e in np.eye(n + m.nu):
        (q0, y0), (q1, y1) = (step(sign * eps * e[:n], sign * eps * e[n:]) for sign in (-1, 1))
        columns.append(np.concatenate([difference(m, q0, q1), y1 - y0]) / (2 * eps))
    AB = np.array(columns).T
    return AB[:, :n], AB[:, n:]


def record_linear(m, d, state):
    s = moderate(m, state)
    n = 2 * m.nv + m.na
    put(m, d, s)
    if m.opt.integrator == INTEGRATORS["RK4"]:
        A, B = transition_by_steps(m, d, s, 1e-6)
    else:
        A, B = np.zeros((n, n)), np.zeros((n, m.nu))
        mujoco.mjd_transitionFD(m, d, 1e-6, True, A, B, None, None)
    return {**inputs(s), "A": flat(A), "B": flat(B)}


def record(path):
    m = mujoco.MjModel.from_xml_path(str(path))
    assert m.nout == m.nu == m.nactuator, "one control and one force for each actuator"
    m.opt.disableflags |= mujoco.mjtDisableBit.mjDSBL_CONSTRAINT
    m.opt.enableflags |= mujoco.mjtEnableBit.mjENBL_ENERGY
    d = mujoco.MjData(m)
    rng = np.random.default_rng(fnv1a(path.stem.encode()))
    states = [random_state(m, rng, i) for i in range(STATES)]
    own = m.opt.integrator
    result = {
        "mujoco": mujoco.__version__,
        "model": path.relative_to(ROOT).as_posix(),
        "hash": f"{fnv1a(path.read_bytes()):016x}",
        "constants": constants(m),
        "states": [record_state(m, d, s, i < FULL_STATES) for i, s in enumerate(states)],
        "linear": [record_linear(m, d, states[0])],
        "steps": record_steps(m, d, states),
    }
    m.opt.integrator = own
    return result


def main(names):
    assert mujoco.__version__ == VERSION, f"needs mujoco {VERSION}"
    paths = [p for p in sorted((ROOT / "scenes/models").glob("*.xml")) if p.stem not in STANDING]
    paths += sorted((ROOT / "tests/models").glob("*.xml")) + sorted((ROOT / "tests/models/urdf").glob("*.urdf"))
    total = 0
    for path in paths:
        if names and path.stem not in names:
            continue
        out = HERE / f"{path.stem}.json"
        result = record(path)
        save(out, result)
        total += out.stat().st_size
        lost = [f"{r['integrator']} after {n}" for r in result["steps"] for n in (1, 100) if r[f"after{n}"] is None]
        growth = max((r["growth"] for r in result["steps"] if "growth" in r), default=0)
        print(f"{path.stem:24} {out.stat().st_size:8} bytes, growth in 100 steps {growth:8.1e}", *lost)
    print(f"{total / 1e6:.2f} MB")


if __name__ == "__main__":
    main(sys.argv[1:])

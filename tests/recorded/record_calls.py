"""Records MuJoCo's inverse dynamics, Jacobians and contact forces at the states of sensors.json.

    python tests/recorded/record_calls.py

Needs mujoco==4.0.0 and numpy. Writes calls.json beside this script: for each model of sensors.json and its first states
the generalized force of a random acceleration (mj_inverse), the Jacobians of a random point of a body (mj_jac), and the
sum of the contact forces on every body after mj_forward, force first, about its centre of mass. The solver is run to its
end.
"""

import json
import pathlib

import mujoco
import numpy as np

from record import INPUTS, flat, save

HERE = pathlib.Path(__file__).resolve().parent
STATES = 8


def contact_wrenches(m, d):
    total = np.zeros((m.nbody, 6))
    for k, contact in enumerate(d.contact):
        local = np.zeros(6)
        mujoco.mj_contactForce(m, d, k, local)
        frame = contact.frame.reshape(3, 3)
        force, torque = frame.T @ local[:3], frame.T @ local[3:]
        for geom, sign in zip(contact.geom, (-1, 1)):
            b = m.geom_bodyid[geom]
            lever = np.cross(contact.pos - d.xipos[b], force)
            total[b] += sign * np.concatenate([force, lever + torque])
    return total


def record(case, number):
    m = mujoco.MjModel.from_xml_string(case["xml"])
    m.opt.tolerance, m.opt.iterations, m.opt.solver = 0, 200, mujoco.mjtSolver.mjSOL_NEWTON
    m.opt.disableflags |= int(mujoco.mjtDisableBit.mjDSBL_WARMSTART) | int(mujoco.mjtDisableBit.mjDSBL_ISLAND)
    d = mujoco.MjData(m)
    rng = np.random.default_rng(1700 + number)
    states = []
    for index, given in enumerate(case["states"][:STATES]):
        mujoco.mj_resetData(m, d)
        for key in INPUTS:
            field = getattr(d, key)
            field[:] = np.reshape(given[key], field.shape)
        mujoco.mj_forward(m, d)
        wrenches = contact_wrenches(m, d)
        body, local = int(rng.integers(1, m.nbody)), rng.normal(0, 0.3, 3)
        jacp, jacr = np.zeros((3, m.nv)), np.zeros((3, m.nv))
        mujoco.mj_jac(m, d, jacp, jacr, d.xpos[body] + d.xmat[body].reshape(3, 3) @ local, body)
        d.qacc[:] = rng.normal(0, 10, m.nv)
        mujoco.mj_inverse(m, d)
        states.append(
            {
                "qacc": flat(d.qacc),
                "qfrc_inverse": flat(d.qfrc_inverse),
                "body": body,
                "local": flat(local),
                "jacp": flat(jacp),
                "jacr": flat(jacr),
                "contact": flat(wrenches),
            }
        )
    return {"name": case["name"], "states": states}


def main():
    assert mujoco.__version__ == "4.0.0"
    cases = json.loads((HERE / "sensors.json").read_text())["cases"]
    save(HERE / "calls.json", {"mujoco": mujoco.__version__, "cases": [record(c, k) for k, c in enumerate(cases)]})


if __name__ == "__main__":
    main()

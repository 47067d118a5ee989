"""Records where MuJoCo's bodies come to rest when they lie flat on each other.

    python tests/recorded/record_resting.py

Needs mujoco==4.0.0 and numpy. Writes resting.json beside this script: small models, each a fixed support and one free
body a little above it, with the configuration and the generalized constraint force after two seconds.
"""

import json

import mujoco
import numpy as np

from record import HERE, VERSION
from record_collision import text

STEPS = 600
OPTION = (
    '<option timestep="0.004" tolerance="0" iterations="200" ccd_tolerance="1e-12" ccd_iterations="500">'
    '<flag warmstart="disable" island="disable"/></option>'
)


def brick(a, b, c):
    return text([x for i in (-a, a) for j in (-b, b) for k in (-c, c) for x in (i, j, k)])


BRICK, SLAB, PRISM = brick(0.09, 0.06, 0.04), brick(0.2, 0.16, 0.05), None
PRISM = text([x for k in (-0.15, 0.15) for y, z in ((-0.1, -0.06), (0.1, -0.06), (0, 0.09)) for x in (k, y, z)])
ASSETS = f'<mesh name="brick" vertex="{BRICK}"/><mesh name="slab" vertex="{SLAB}"/>'

# Support, free body, height of its start.
CASES = {
    "a cylinder stands on a box": ('box" size=".2 .15 .05', 'cylinder" size=".06 .1', 0.1505, ""),
    "a cylinder lies on a box": ('box" size=".2 .15 .05', 'cylinder" size=".05 .1', 0.1005, 'euler="90 0 20"'),
    "a cylinder stands on a cylinder": ('cylinder" size=".12 .05', 'cylinder" size=".07 .1', 0.1505, ""),
    "a box stands on a cylinder": ('cylinder" size=".15 .05', 'box" size=".06 .05 .04', 0.0905, 'euler="0 0 25"'),
    "a brick lies on a slab": ('mesh" mesh="slab', 'mesh" mesh="brick', 0.0905, 'euler="0 0 30"'),
    "a brick juts out over a slab": ('mesh" mesh="slab" pos="-.15 0 0', 'mesh" mesh="brick', 0.0905, 'euler="0 0 10"'),
    "a box lies on a slab": ('mesh" mesh="slab', 'box" size=".05 .04 .03', 0.0805, 'euler="0 0 40"'),
    "a capsule lies on a slab": ('mesh" mesh="slab', 'capsule" size=".03 .08', 0.0805, 'euler="90 0 35"'),
    "a capsule lies on a cylinder's cap": ('cylinder" size=".15 .05', 'capsule" size=".03 .08', 0.0805, 'euler="90 0 35"'),
    "a cylinder stands on a slab": ('mesh" mesh="slab', 'cylinder" size=".05 .1', 0.1505, ""),
    "a brick stands on a cylinder": ('cylinder" size=".15 .05', 'mesh" mesh="brick', 0.0905, ""),
}


def model(support, body, height, pose):
    support, place = support.replace('" pos', "\0pos").split("\0") if '" pos' in support else (support, 'pos="0 0 0')
    return (
        f'<mujoco>{OPTION}<compiler angle="degree"/><asset>{ASSETS}</asset><worldbody>'
        f'<geom type="{support}" {place}"/>'
        f'<body pos="0 0 {height}" {pose}><freejoint/><geom type="{body}"/></body></worldbody></mujoco>'
    )


def main():
    assert mujoco.__version__ == VERSION
    cases = []
    for name, case in CASES.items():
        xml = model(*case)
        m = mujoco.MjModel.from_xml_string(xml)
        d = mujoco.MjData(m)
        for _ in range(STEPS):
            mujoco.mj_step(m, d)
        mujoco.mj_forward(m, d)
        print(f"{name}: {d.ncon} contacts, height {d.qpos[2]:.6f}, speed {np.abs(d.qvel).max():.1e}")
        entry = {"name": name, "xml": xml, "steps": STEPS, "contacts": int(d.ncon)}
        cases.append(entry | {"qpos": d.qpos.tolist(), "force": d.qfrc_constraint.tolist()})
    (HERE / "resting.json").write_text(json.dumps({"mujoco": VERSION, "cases": cases}) + "\n")


if __name__ == "__main__":
    main()

"""Drops random shapes on each other in MuJoCo and records how often their energy rises.

    python tests/recorded/record_drops.py        # writes tests/recorded/drops.json

The scenes follow from their number by SplitMix64 (Steele, Lea, Flood 2014), here and in the test.
"""

import json
import pathlib

import mujoco

SCENES = 10_000
STEPS = 250
MASK = (1 << 64) - 1


class Random:
    def __init__(self, seed):
        self.state = seed

    def uniform(self, low, high):
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        z ^= z >> 31
        return low + (high - low) * ((z >> 11) * 2.0**-53)


SHAPES = [("sphere", 1), ("capsule", 2), ("ellipsoid", 3), ("cylinder", 2), ("box", 3)]


def scene(number):
    random = Random(number)
    count = 2 + int(random.uniform(0, 5))
    bodies = ""
    for k in range(count):
        shape, sizes = SHAPES[int(random.uniform(0, 5))]
        size = " ".join(f"{random.uniform(0.05, 0.15):.6f}" for _ in range(sizes))
        place = f"{random.uniform(-0.15, 0.15):.6f} {random.uniform(-0.15, 0.15):.6f} {0.3 + 0.3 * k:.6f}"
        quat = " ".join(f"{random.uniform(-1, 1):.6f}" for _ in range(4))
        bodies += (
            f'<body pos="{place}" quat="{quat}"><freejoint/>'
            f'<geom type="{shape}" size="{size}"/></body>'
        )
    return (
        '<mujoco><option timestep="0.002"><flag energy="enable"/></option><worldbody>'
        f'<geom type="plane" size="1 1 1"/>{bodies}</worldbody></mujoco>'
    )


def main():
    rises, lost = [], 0
    for number in range(SCENES):
        model = mujoco.MjModel.from_xml_string(scene(number))
        data = mujoco.MjData(model)
        mujoco.mj_forward(model, data)
        start = sum(data.energy)
        top = start
        for _ in range(STEPS):
            mujoco.mj_step(model, data)
            top = max(top, sum(data.energy))
        lost += data.warning[mujoco.mjtWarning.mjWARN_BADQPOS].number > 0
        rises.append(float((top - start) / start))
    out = {
        "mujoco": mujoco.__version__,
        "scenes": SCENES,
        "steps": STEPS,
        "above_one_percent": sum(r > 0.01 for r in rises),
        "largest": max(rises),
        "lost": int(lost),
    }
    path = pathlib.Path(__file__).parent / "drops.json"
    path.write_text(json.dumps(out, indent=1) + "\n")
    print(out)


main()

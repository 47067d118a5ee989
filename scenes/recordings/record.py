"""Makes the recordings of this folder: motions that MuJoCo simulates with numbers that the models do not state,
with noise added, as an experiment would measure them; and the curve that an arm is to write.

    pip install mujoco==4.0.0
    python scenes/recordings/record.py
"""

import hashlib
import pathlib

import mujoco
import numpy as np

HERE = pathlib.Path(__file__).parent
MODELS = HERE.parent / "models"

# What the recordings were made with, and the scenes have to find.
ARM_MASSES = {"upper": 3.9, "upper_roll": 2.2, "forearm": 2.45, "forearm_roll": 1.3, "wrist": 1.15, "palm": 0.6}
ARM_DAMPING = {
    "yaw": 1.9, "shoulder": 1.1, "upper_roll": 0.6, "elbow": 1.05, "forearm_roll": 0.33, "wrist": 0.19,
    "hand_roll": 0.31,
}
ARM_GAINS = np.array([300.0, 300.0, 120.0, 150.0, 25.0, 30.0, 12.0])
ARM_RATES = np.array([30.0, 30.0, 10.0, 14.0, 2.0, 2.5, 0.8])
# Where the arm begins to write, as in scenes/arm_write.toml.
WRITING = [0.3, 1.2, 0.0, 1.4, 0.0, 1.4, 0.0]
SLED_FRICTION = 0.27
SLED_VELOCITY = {"x": 1.3, "y": 0.25, "turn": 2.0}


def write(name, comment, columns):
    """A comment, a header, and a row for each entry of the columns."""
    lines = ["# " + comment, ",".join(columns)]
    for row in zip(*columns.values()):
        lines.append(",".join(f"{x:.6f}" for x in row))
    (HERE / name).write_text("\n".join(lines) + "\n")


def origin(path):
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
    return f"MuJoCo {mujoco.__version__}, {path.name} {digest}, numbers of its own and noise: scenes/recordings/record.py"


def arm():
    path = MODELS / "arm.xml"
    spec = mujoco.MjSpec.from_file(str(path))
    for name, mass in ARM_MASSES.items():
        spec.geom(name).mass = mass
    for name, damping in ARM_DAMPING.items():
        spec.joint(name).damping = np.array([damping, 0.0, 0.0])
    model = spec.compile()
    data = mujoco.MjData(model)
    mujoco.mj_resetDataKeyframe(model, data, model.key("ready").id)
    joints = [model.joint(i).name for i in range(model.njnt)]
    dt, every, steps = model.opt.timestep, 2, 800
    home = data.qpos.copy()
    time = np.arange(0, steps + 1, every) * dt
    swing = np.array([0.8, 0.45, 0.6, 0.5, 0.9, 0.8, 1.2])
    # A minimum-jerk rise, and two incommensurate waves for each joint.
    rise = np.clip(time / 0.6, 0, 1)
    rise = rise**3 * (10 - 15 * rise + 6 * rise**2)
    phases = np.arange(7) * 0.9
    fast = 2 * np.pi * (0.75 + 0.11 * np.arange(7))
    wave = np.sin(np.outer(time, fast) + phases) + 0.5 * np.sin(np.outer(time, 1.618 * fast) + 2 * phases)
    asked = np.round(home + rise[:, None] * swing * wave / 1.5, 6)
    write("arm_motion.csv", "what the arm was asked to do", {"time": time} | {
        f"joint.{name}.position": asked[:, i] for i, name in enumerate(joints)})
    fine = np.array([np.interp(np.arange(steps + 1) * dt, time, asked[:, i]) for i in range(7)]).T
    rate = np.diff(fine, axis=0) / dt
    positions, controls = [], []
    for k in range(steps + 1):
        rates = rate[min(k, steps - 1)]
        u = ARM_GAINS * (fine[k] - data.qpos) + ARM_RATES * (rates - data.qvel)
        assert (np.abs(u) < model.actuator_ctrlrange[:, 1]).all(), (k, u)
        if k % every == 0:
            positions.append(data.qpos.copy())
            controls.append(u)
        data.ctrl[:] = u
        mujoco.mj_step(model, data)
    assert data.ncon == 0
    random = np.random.default_rng(1)
    positions = np.array(positions) + 0.001 * random.standard_normal((len(time), 7))
    controls = np.array(controls) + 0.05 * random.standard_normal((len(time), 7))
    columns = {"time": time}
    columns |= {f"joint.{name}.position": positions[:, i] for i, name in enumerate(joints)}
    columns |= {f"control.{name}": controls[:, i] for i, name in enumerate(joints)}
    write("arm_recorded.csv", origin(path), columns)


def sled():
    path = MODELS / "sled.xml"
    spec = mujoco.MjSpec.from_file(str(path))
    spec.geom("runner").friction[0] = SLED_FRICTION
    model = spec.compile()
    data = mujoco.MjData(model)
    data.qvel[[0, 1, 5]] = list(SLED_VELOCITY.values())
    steps, every = 160, 2
    rows = []
    for k in range(steps + 1):
        if k % every == 0:
            mujoco.mj_kinematics(model, data)
            rows.append(np.concatenate([data.site("front").xpos, data.site("back").xpos]))
        mujoco.mj_step(model, data)
    random = np.random.default_rng(11)
    rows = np.array(rows) + 0.001 * random.standard_normal((len(rows), 6))
    columns = {"time": np.arange(0, steps + 1, every) * model.opt.timestep}
    for place, first in (("front", 0), ("back", 3)):
        columns |= {f"site.{place}.position.{axis}": rows[:, first + i] for i, axis in enumerate("xyz")}
    write("sled_recorded.csv", origin(path), columns)


def letters():
    """Cursive loops on a board in front of the arm: a trochoid that leans a little and starts slowly."""
    model = mujoco.MjModel.from_xml_path(str(MODELS / "arm.xml"))
    data = mujoco.MjData(model)
    data.qpos[:] = WRITING
    mujoco.mj_kinematics(model, data)
    time = np.arange(0, 4.0 + 1e-9, 0.02)
    t = time / 4.0
    t = np.where(t < 0.15, t**2 / 0.3, t - 0.075) / 0.925
    angle = 2 * np.pi * 3.5 * t - np.pi / 2
    height = 0.06 * np.sin(angle)
    across = -0.32 * t - 0.05 * np.cos(angle) + 0.25 * height
    curve = np.stack([np.zeros_like(t), across - across[0], height - height[0]], axis=1)
    curve += data.site("tip").xpos
    write("letters.csv", "loops to write, from where the tip of the arm is",
          {"time": time} | {f"site.tip.position.{axis}": curve[:, i] for i, axis in enumerate("xyz")})


if __name__ == "__main__":
    arm()
    sled()
    letters()

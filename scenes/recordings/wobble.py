"""Makes wobble.csv: a jelly that is let go sags and wobbles, as a camera would see two of its corners.

    pip install numpy
    python scenes/recordings/wobble.py

The jelly is that of scenes/identify_stiffness.toml, with a stiffness and a damping that the scene does not state. It
moves by the classical method of Runge and Kutta in steps of a twentieth of a millisecond, and every coordinate has
normal noise with a deviation of one millimetre.
"""

import pathlib

import numpy as np

STIFFNESS, DAMPING = 1470.0, 11.5  # N/m and N s/m, for the scene to find
MASS, GRAVITY = 0.02, np.array([0.0, -9.81])
STEP, EVERY, ROWS = 5e-5, 200, 151
NOISE = 1e-3
SEEN = [6, 13]

# Two rows of seven points, one above the other; the left end is held.
places = np.array([[0.1 * i, 0.5 + 0.1 * j] for j in range(2) for i in range(7)])
along = [(7 * j + i, 7 * j + i + 1) for j in range(2) for i in range(6)]
across = [(i, 7 + i) for i in range(7)]
diagonal = [(i, 8 + i) for i in range(6)] + [(i + 1, 7 + i) for i in range(6)]
a, b = np.array(along + across + diagonal).T
rest = np.linalg.norm(places[a] - places[b], axis=1)
free = np.ones((14, 1))
free[[0, 7]] = 0.0


def rate(state):
    x, v = state
    d, w = x[a] - x[b], v[a] - v[b]
    length = np.linalg.norm(d, axis=1)
    n = d / length[:, None]
    pull = -(STIFFNESS * (length - rest) + DAMPING * np.sum(n * w, axis=1))[:, None] * n
    force = np.zeros_like(x)
    np.add.at(force, a, pull)
    np.add.at(force, b, -pull)
    return np.stack([v, free * (GRAVITY + force / MASS)])


state = np.stack([places, np.zeros_like(places)])
rows = []
for k in range((ROWS - 1) * EVERY + 1):
    if k % EVERY == 0:
        rows.append(state[0][SEEN].ravel())
    k1 = rate(state)
    k2 = rate(state + STEP / 2 * k1)
    k3 = rate(state + STEP / 2 * k2)
    k4 = rate(state + STEP * k3)
    state = state + STEP / 6 * (k1 + 2 * k2 + 2 * k3 + k4)

rows = np.array(rows)
rows += NOISE * np.random.default_rng(7).standard_normal(rows.shape)
names = [f"points.jelly.position[{p}].{axis}" for p in SEEN for axis in "xz"]
lines = [
    f"# Corners of a jelly that sags and wobbles, with noise of {NOISE} m: scenes/recordings/wobble.py",
    ",".join(["time", *names]),
]
for k, row in enumerate(rows):
    lines.append(",".join([f"{k * STEP * EVERY:.6f}", *(f"{x:.6f}" for x in row)]))
(pathlib.Path(__file__).parent / "wobble.csv").write_text("\n".join(lines) + "\n")

#!/usr/bin/env bash
# MuJoCo 4.0.0: a body that is hinged at its own centre of mass has the translational inverse weight 0, so its contacts
# with the world get the regularization 1e-15 and push with 1e15 N along the axle. Nothing moves by that, but
# qfrc_constraint is a sum over these forces and keeps no digit below about 1/128 N m: with implicit joint damping, which
# divides that sum by a small inertia, finite differences of a step (mjd_transitionFD) say anything between 0.05 and 600,
# depending on their width, where the derivative of velocity by velocity is 0.989. qacc itself is right to the last digit.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet mujoco==4.0.0 numpy
"$folder/venv/bin/python" - <<'PY'
import mujoco
import numpy as np

assert mujoco.__version__ == "4.0.0"
MODEL = """<mujoco><option timestep="0.002"/><worldbody>
  <geom type="plane" size="1 1 .1" pos="0 0 .05"/>
  <body pos="0.01 0.01 0.0595"><joint axis="0 0 1" damping="0.3"/>
  <geom type="box" size=".01 .03 .01" mass="0.1"/></body></worldbody></mujoco>"""
m = mujoco.MjModel.from_xml_string(MODEL)
m.opt.tolerance = 0
d = mujoco.MjData(m)
d.qvel[:] = 0.3
mujoco.mj_forward(m, d)
print("qacc", d.qacc[0], "largest contact force", abs(d.efc_force).max(), "qfrc_constraint", d.qfrc_constraint[0])
# Friction sticks: the velocity is braked at the rate 2/(0.95 * 0.02).
assert abs(d.qacc[0] + 0.3 * 2 / (0.95 * 0.02)) < 1e-9
assert abs(d.efc_force).max() > 1e14
inertia, damping = 0.1 / 3 * (0.01**2 + 0.03**2), 0.3
true = 1 - m.opt.timestep * 2 / (0.95 * 0.02) * inertia / (inertia + m.opt.timestep * damping)
found = []
for width in (1e-2, 1e-3, 1e-4, 1e-5, 1e-6):
    A = np.zeros((2, 2))
    mujoco.mj_resetData(m, d)
    d.qvel[:] = 0.3
    mujoco.mjd_transitionFD(m, d, width, 1, A, None, None, None)
    found.append(A[1, 1])
print("derivative", true, "by differences of several widths", found)
assert max(abs(x - true) for x in found) > 0.3, "the differences agree now"
PY

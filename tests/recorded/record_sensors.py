"""Records MuJoCo's sensordata for models that carry every sensor we measure.

    python tests/recorded/record_sensors.py

Needs mujoco==4.0.0 and numpy. Writes sensors.json beside this script: for each model its text and twenty states, half
of them near the floor, with forces from outside in every second one. The solver is run to its end.
"""

import json
import pathlib

import mujoco
import numpy as np

from record import INPUTS, ROOT, flat, save

HERE = pathlib.Path(__file__).resolve().parent
STATES = 20

ZOO = """<mujoco model="sensor zoo">
  <option timestep="0.004" density="1.3" viscosity="0.2" {option}><flag {flag}/></option>
  <default><geom condim="{condim}" friction="0.8 0.03 0.01"/></default>
  <worldbody>
    <geom name="floor" type="plane" size="4 4 .1"/>
    <site name="mark" pos=".3 -.4 1.1" euler="20 -35 50"/>
    <body name="shelf" pos="-.6 .2 .5" euler="0 25 10">
      <geom name="plank" type="box" size=".2 .15 .02"/><site name="edge" pos=".1 .05 .02" euler="5 60 0"/>
    </body>
    <body name="cart" pos="0 0 .6">
      <joint name="rail" type="slide" axis="1 .2 0" limited="true" range="-.4 .5" margin=".02"/>
      <geom type="box" size=".15 .1 .05" mass="1.4"/>
      <site name="deck" type="box" size=".2 .15 .08" pos="0 0 .02" euler="0 0 15"/>
      <body name="mast" pos=".05 0 .1" gravcomp=".4">
        <joint name="tilt" axis="0 1 .3" pos="0 0 -.03" ref=".2" range="-50 70" limited="true" damping=".3"
          armature=".05" frictionloss=".2"/>
        <geom type="capsule" fromto="0 0 0 .05 .1 .4" size=".03" mass=".6"/>
        <geom type="sphere" size=".05" pos=".1 0 .2" mass=".2"/>
        <site name="gauge" pos=".02 .03 .15" euler="30 -20 70"/>
        <body name="fist" pos=".05 .1 .4">
          <joint name="wrist" type="ball" limited="true" range="0 60"/>
          <geom name="knuckle" type="ellipsoid" size=".06 .09 .05" pos=".04 0 .02" euler="10 20 30" mass=".4"/>
          <geom type="box" size=".03 .02 .06" pos="-.03 .05 .06" mass=".3"/>
          <site name="grip" type="ellipsoid" size=".12 .14 .13" pos=".03 .02 .05" euler="-40 10 25"/>
        </body>
      </body>
    </body>
    <body name="drone" pos=".5 .4 .35">
      <freejoint name="air"/>
      <geom name="hull" type="box" size=".12 .09 .04" mass=".9"/>
      <geom name="pod" type="sphere" size=".06" pos=".15 0 -.03" mass=".2"/>
      <geom name="skid" type="capsule" fromto="-.1 .1 -.08 .1 .1 -.08" size=".02" mass=".1"/>
      <site name="chip" pos=".03 -.02 .01" euler="15 25 -60"/>
      <site name="ball" type="sphere" size=".07" pos=".15 0 -.03"/>
      <site name="bar" type="capsule" fromto="-.09 .1 -.08 .09 .1 -.08" size=".03"/>
      <site name="can" type="cylinder" size=".2 .09" pos="-.05 -.04 -.05" euler="20 10 0"/>
      <site name="far" type="box" size=".12 .1 .05" pos="0 0 -.3"/>
      <body name="leg" pos="-.1 -.08 -.02">
        <joint name="hip" axis="0 1 0" range="-40 40" limited="true"/>
        <geom name="shin" type="capsule" fromto="0 0 0 .02 -.02 -.18" size=".025" mass=".15"/>
        <site name="toe" type="sphere" size=".04" pos=".02 -.02 -.18" euler="0 33 12"/>
        <body name="ankle" pos=".02 -.02 -.18"><site name="tag" pos=".01 0 .02" euler="70 0 5"/></body>
      </body>
    </body>
    <body name="weight" pos="1 .2 .3">
      <freejoint/><geom name="lump" type="sphere" size=".1" mass=".7"/>
      <site name="hook" type="sphere" size=".12" pos="0 0 .02"/>
      <site name="skin" type="ellipsoid" size=".1 .09 .07" pos=".01 0 -.1"/>
    </body>
  </worldbody>
  <tendon>
    <spatial name="rope" stiffness="40" damping="1.5" springlength=".2 .3" limited="true" range="0 .9" frictionloss=".3">
      <site site="mark"/><site site="gauge"/><pulley divisor="2"/><site site="gauge"/><site site="chip"/>
    </spatial>
    <spatial name="cord"><site site="grip"/><site site="hook"/></spatial>
    <fixed name="gearing" limited="true" range="-.3 .4" stiffness="3"><joint joint="tilt" coef=".7"/><joint joint="hip"
      coef="-.5"/></fixed>
  </tendon>
  <equality>{equality}</equality>
  <actuator>
    <motor name="push" joint="rail" gear="20" ctrllimited="true" ctrlrange="-1 1"/>
    <position name="lean" joint="tilt" kp="30" forcelimited="true" forcerange="-12 12"/>
    <motor name="twist" joint="wrist" gear=".5 -.3 .8"/>
    <velocity name="reel" tendon="rope" kv="4" gear="1.5"/>
    <general name="winch" tendon="rope" gear="2" dyntype="filter" dynprm=".1" gainprm="5" biastype="affine"
      biasprm="1 -2 -.1"/>
    <motor name="jet" site="chip" gear="1 .5 3 .1 .2 -.3"/>
    <motor name="aim" site="chip" refsite="mark" gear="1 0 2 .3 0 .1"/>
  </actuator>
  <sensor>
    <clock/>
    <jointpos name="rail_position" joint="rail"/><jointpos joint="tilt" cutoff=".25"/><jointvel joint="tilt"/>
    <jointvel joint="hip" cutoff="1"/>
    <ballquat joint="wrist"/><ballangvel joint="wrist"/>
    <tendonpos tendon="rope"/><tendonvel tendon="rope"/><tendonpos tendon="gearing"/><tendonvel tendon="gearing"/>
    <actuatorpos actuator="push"/><actuatorvel actuator="push"/><actuatorpos actuator="twist"/>
    <actuatorvel actuator="twist"/><actuatorpos actuator="reel"/><actuatorvel actuator="reel"/>
    <actuatorpos actuator="aim"/><actuatorvel actuator="aim"/><actuatorvel actuator="jet"/>
    <actuatorfrc actuator="push"/><actuatorfrc actuator="lean"/><actuatorfrc actuator="reel"/>
    <actuatorfrc actuator="winch"/>
    <framepos objtype="site" objname="grip"/><framepos objtype="body" objname="mast"/>
    <framepos objtype="geom" objname="knuckle" reftype="site" refname="chip" cutoff=".4"/>
    <framepos objtype="body" objname="drone" reftype="xbody" refname="fist"/>
    <framequat objtype="site" objname="grip"/><framequat objtype="xbody" objname="leg"/>
    <framequat objtype="geom" objname="knuckle" reftype="site" refname="gauge"/>
    <framexaxis objtype="site" objname="tag"/><frameyaxis objtype="geom" objname="skid" reftype="xbody" refname="mast"/>
    <framezaxis objtype="xbody" objname="drone" reftype="site" refname="mark"/>
    <framelinvel objtype="site" objname="grip"/><framelinvel objtype="body" objname="mast"/>
    <framelinvel objtype="site" objname="tag" reftype="xbody" refname="mast"/>
    <framelinvel objtype="body" objname="fist" reftype="geom" refname="pod"/>
    <frameangvel objtype="site" objname="grip"/>
    <frameangvel objtype="xbody" objname="leg" reftype="site" refname="gauge"/>
    <velocimeter site="grip"/><velocimeter site="tag"/><gyro site="chip"/><gyro site="gauge" cutoff="2"/>
    <subtreecom body="mast"/><subtreecom body="world"/><subtreelinvel body="drone"/><subtreelinvel body="cart"/>
    <subtreeangmom body="cart"/><subtreeangmom body="drone"/><subtreeangmom body="world"/>
    <accelerometer site="edge"/><accelerometer site="chip"/><accelerometer site="grip" cutoff="15"/>
    <accelerometer site="mark"/>
    <framelinacc objtype="site" objname="gauge"/><framelinacc objtype="body" objname="drone"/>
    <frameangacc objtype="xbody" objname="fist"/>
    <force site="deck"/><torque site="deck"/><force site="gauge"/><torque site="gauge"/><force site="grip"/>
    <torque site="grip"/><force site="toe"/><torque site="tag"/><force site="chip"/><torque site="edge"/>
    <touch site="ball"/><touch site="bar"/><touch site="can"/><touch site="far"/><touch site="toe"/><touch site="hook"/>
    <touch site="skin"/>
    <touch site="grip"/><touch site="deck"/><touch site="toe" cutoff="3"/>
    <jointlimitpos joint="rail"/><jointlimitvel joint="rail"/><jointlimitfrc joint="rail"/><jointlimitpos joint="hip"/>
    <jointlimitvel joint="hip"/><jointlimitfrc joint="hip"/><jointlimitfrc joint="wrist"/>
    <jointlimitpos joint="wrist"/><jointlimitvel joint="wrist"/>
    <tendonlimitpos tendon="rope"/><tendonlimitvel tendon="rope"/><tendonlimitfrc tendon="rope"/>
    <tendonlimitpos tendon="gearing"/><tendonlimitvel tendon="gearing"/><tendonlimitfrc tendon="gearing"/>
  </sensor>
</mujoco>"""
TIES = """<connect body1="fist" body2="drone" anchor=".02 .1 .05" solref=".05 1"/>
  <weld body1="leg" body2="weight" torquescale=".3" solref=".08 1"/>
  <joint joint1="tilt" joint2="hip" polycoef=".05 .6 .1 0 0"/>
  <tendon tendon1="cord" polycoef=".2 0 0 0 0" solref=".1 1"/>"""


def robot(path, touching):
    """A model of ours with the sensors that a controller has."""
    text = (ROOT / path).read_text()
    m = mujoco.MjModel.from_xml_string(text)
    bodies = [m.body(b).name for b in range(1, m.nbody)]
    sites = [m.site(s).name for s in range(m.nsite)]
    joints = [m.joint(j).name for j in range(m.njnt) if m.jnt_type[j] >= 2]
    lines = [f'<jointpos joint="{j}"/><jointvel joint="{j}"/>' for j in joints]
    lines += [f'<actuatorfrc actuator="{m.actuator(k).name}"/>' for k in range(m.nu)]
    lines += [f'<framepos objtype="xbody" objname="{b}"/><framelinacc objtype="body" objname="{b}"/>' for b in bodies]
    lines += [f'<subtreecom body="{bodies[0]}"/><subtreelinvel body="{bodies[0]}"/><subtreeangmom body="{bodies[0]}"/>']
    for s in sites:
        lines += [f'<{kind} site="{s}"/>' for kind in ("gyro", "velocimeter", "accelerometer", "force", "torque", "touch")]
    return text.replace("</mujoco>", f"<sensor>{''.join(lines)}</sensor></mujoco>")


def cases():
    free = dict(option="", flag='constraint="disable"', condim=3, equality="")
    yield "free", ZOO.format(**free)
    yield "pyramids", ZOO.format(option='cone="pyramidal"', flag='energy="enable"', condim=3, equality="")
    yield "cones", ZOO.format(option='cone="elliptic" impratio="2"', flag='energy="enable"', condim=6, equality="")
    yield "ties", ZOO.format(option='cone="elliptic"', flag='energy="enable"', condim=4, equality=TIES)
    for name, path in (("humanoid", "scenes/models/humanoid.xml"), ("quadruped", "tests/models/quadruped.xml")):
        yield name, robot(path, True)


def draw(m, rng, index):
    s = {"qpos": m.qpos0.copy(), "qvel": rng.normal(0, 1, m.nv), "act": rng.normal(0, 0.5, m.na)}
    for j in range(m.njnt):
        a, kind = m.jnt_qposadr[j], int(m.jnt_type[j])
        if kind == mujoco.mjtJoint.mjJNT_FREE:
            s["qpos"][a : a + 3] += rng.normal(0, 0.1, 3)
            if index % 2:
                s["qpos"][a + 2] = rng.uniform(0.15, 0.5) * s["qpos"][a + 2]
            a += 3
        if kind in (mujoco.mjtJoint.mjJNT_FREE, mujoco.mjtJoint.mjJNT_BALL):
            q = s["qpos"][a : a + 4] + rng.normal(0, 0.6, 4)
            s["qpos"][a : a + 4] = q / np.linalg.norm(q) * rng.uniform(0.8, 1.3)
        else:
            s["qpos"][a] += rng.normal(0, 0.5)
    s["ctrl"] = rng.normal(0, 1, m.nu)
    applied = index % 2
    s["qfrc_applied"] = applied * rng.normal(0, 1, m.nv)
    s["xfrc_applied"] = applied * rng.normal(0, 1, (m.nbody, 6))
    s["mocap_pos"], s["mocap_quat"] = np.zeros((m.nmocap, 3)), np.zeros((m.nmocap, 4))
    return s


def record(name, xml, number):
    m = mujoco.MjModel.from_xml_string(xml)
    m.opt.tolerance, m.opt.iterations, m.opt.solver = 0, 200, mujoco.mjtSolver.mjSOL_NEWTON
    m.opt.disableflags |= int(mujoco.mjtDisableBit.mjDSBL_WARMSTART) | int(mujoco.mjtDisableBit.mjDSBL_ISLAND)
    d = mujoco.MjData(m)
    rng = np.random.default_rng(900 + number)
    states = []
    for index in range(STATES):
        s = draw(m, rng, index)
        mujoco.mj_resetData(m, d)
        for key in INPUTS:
            getattr(d, key)[:] = s[key]
        mujoco.mj_forward(m, d)
        states.append({**{k: flat(s[k]) for k in INPUTS}, "qacc": flat(d.qacc), "sensordata": flat(d.sensordata)})
    kinds = [mujoco.mjtSensor(t).name.removeprefix("mjSENS_").lower() for t in m.sensor_type]
    return {"name": name, "xml": xml, "kinds": kinds, "dim": flat(m.sensor_dim), "states": states}


def main():
    assert mujoco.__version__ == "4.0.0"
    all_cases = [record(name, xml, k) for k, (name, xml) in enumerate(cases())]
    save(HERE / "sensors.json", {"mujoco": mujoco.__version__, "cases": all_cases})


if __name__ == "__main__":
    main()

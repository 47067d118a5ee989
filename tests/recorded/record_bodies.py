"""Records how MuJoCo compiles small files, and which files it refuses.

    python tests/recorded/record_bodies.py

Needs mujoco==4.0.0 and numpy. Writes bodies.json (one entry per file below, with the compiled constants) and
refused.json (files that do not load, with a reason in our words) beside this script.
"""

import mujoco
import numpy as np

from record import HERE, VERSION, constants, flat, save

MORE = (
    "site_pos site_quat site_size site_type site_bodyid jnt_type jnt_limited jnt_bodyid jnt_stiffness jnt_margin "
    "jnt_solref jnt_solimp body_parentid geom_contype geom_conaffinity geom_condim geom_friction geom_solref geom_solimp "
    "geom_margin geom_priority geom_group dof_frictionloss key_time key_qpos key_qvel key_ctrl key_act key_mpos key_mquat "
    "actuator_gear actuator_ctrllimited actuator_ctrlrange actuator_forcerange actuator_dynprm "
    "actuator_dyntype actuator_gaintype actuator_biastype body_gravcomp"
).split()
OPTIONS = "timestep gravity wind density viscosity integrator cone impratio disableflags enableflags".split()


def one(body, head=""):
    """A file with one world body."""
    return f"<mujoco>{head}<worldbody>{body}</worldbody></mujoco>"


def turned(orientation, head=""):
    """A body with this orientation that carries a geom and a site with the same one."""
    return one(
        f'<body name="b" pos="0.1 0.2 0.3" {orientation}><freejoint/>'
        f'<geom type="box" size=".1 .2 .3" pos=".05 0 .02" {orientation}/><site name="s" pos="0 .1 0" {orientation}/></body>',
        head,
    )


def solid(geoms, head=""):
    """A free body made of these geoms."""
    return one(f'<body name="b"><freejoint/>{geoms}</body>', head)


TWO_GEOMS = '<geom size=".1"/><geom type="box" size=".1 .05 .02" pos=".2 0 .1" euler="10 20 30"/>'
THREE_BODIES = (
    '<body name="a"><freejoint/><geom size=".1" density="800"/></body>'
    '<body name="b" pos="1 0 0"><joint/><geom type="box" size=".1 .2 .3" pos=".1 0 0"/>'
    '<body name="c" pos=".3 0 0"><joint type="slide"/><geom type="capsule" size=".05 .1"/></body></body>'
)

BODIES = {
    # orientations
    "quat_of_any_length": turned('quat="1 2 -3 4"'),
    "axisangle_in_degrees": turned('axisangle="1 2 3 40"'),
    "axisangle_in_radians": turned('axisangle="1 -2 3 0.7"', '<compiler angle="radian"/>'),
    "euler_default": turned('euler="10 20 30"'),
    "euler_in_radians": turned('euler="0.1 0.2 0.3"', '<compiler angle="radian"/>'),
    "euler_fixed_axes": turned('euler="10 20 30"', '<compiler eulerseq="XYZ"/>'),
    "euler_zyx": turned('euler="10 20 30"', '<compiler eulerseq="zyx"/>'),
    "euler_mixed_case": turned('euler="10 20 30"', '<compiler eulerseq="xYz"/>'),
    "euler_repeated_letter": turned('euler="10 20 30"', '<compiler eulerseq="ZxZ"/>'),
    "euler_mixed_case_again": turned('euler="-50 20 130"', '<compiler eulerseq="Yzx"/>'),
    "xyaxes_made_orthonormal": turned('xyaxes="1 1 0 0 1 1"'),
    "zaxis": turned('zaxis="1 -2 0.5"'),
    "zaxis_straight_up": turned('zaxis="0 0 3"'),
    "zaxis_straight_down": turned('zaxis="0 0 -2"'),
    # shapes
    "fromto_capsule": solid('<geom type="capsule" size=".05" fromto="0 0 0 .1 .2 .3"/>'),
    "fromto_cylinder": solid('<geom type="cylinder" size=".05" fromto="0 .1 0 .1 .2 -.3"/>'),
    "fromto_box": solid('<geom type="box" size=".05" fromto="0 0 0 .1 .2 .3"/>'),
    "fromto_ellipsoid": solid('<geom type="ellipsoid" size=".05" fromto="0 0 0 0 .2 .3"/>'),
    "fromto_upwards": solid('<geom type="capsule" size=".05" fromto="0 0 0 0 0 .4"/>'),
    "fromto_downwards": solid('<geom type="capsule" size=".05" fromto="0 0 0 0 0 -.4"/>'),
    "shapes_by_density": one(
        "".join(
            f'<body pos="{i} 0 0"><freejoint/><geom type="{t}" size="{s}" density="{500 + 100 * i}"/></body>'
            for i, (t, s) in enumerate(
                [("sphere", ".1"), ("capsule", ".1 .2"), ("cylinder", ".1 .2"), ("box", ".1 .2 .3"), ("ellipsoid", ".1 .2 .3")]
            )
        )
    ),
    "shapes_by_mass": one(
        "".join(
            f'<body pos="{i} 0 0"><freejoint/><geom type="{t}" size="{s}" mass="{1 + i}" density="9"/></body>'
            for i, (t, s) in enumerate(
                [("sphere", ".1 .2 .3"), ("capsule", ".1 .2 .7"), ("cylinder", ".1 .2"), ("box", ".1 .2 .3"), ("ellipsoid", ".1 .2 .3")]
            )
        )
    ),
    "a_plane_weighs_nothing": one('<geom type="plane" size="0 0 .1" pos="0 0 -1" zaxis="0 .1 1"/>' + THREE_BODIES),
    "a_single_geom_keeps_its_axes": solid('<geom type="box" size=".1 .3 .2" pos=".1 0 0" euler="30 0 0"/>'),
    "several_geoms": solid(TWO_GEOMS + '<geom type="cylinder" size=".03 .2" pos="0 -.1 0" axisangle="1 1 0 50" mass=".3"/>'),
    "geoms_without_mass_do_not_count": solid(TWO_GEOMS + '<geom size=".3" pos="1 1 1" mass="0"/>'),
    "visual_geoms_weigh": solid('<geom size=".1"/><geom size=".1" pos=".3 0 0" contype="0" conaffinity="0" group="2"/>'),
    # inertias
    "diaginertia_turned": one('<body><freejoint/><inertial pos=".1 .2 .3" mass="2" diaginertia=".1 .2 .25" euler="10 50 -20"/></body>'),
    "fullinertia": one('<body><freejoint/><inertial pos=".1 .2 .3" mass="2" fullinertia=".1 .2 .25 .02 -.03 .01"/></body>'),
    "fullinertia_tiny": one('<body><freejoint/><inertial pos="0 0 0" mass="1e-3" fullinertia="3e-9 4e-9 5e-9 1e-9 0 5e-10"/></body>'),
    "inertial_wins_over_geoms": one('<body><freejoint/><inertial pos="0 0 .1" mass="2" diaginertia=".1 .1 .1"/><geom size="1"/></body>'),
    "inertiafromgeom_true": one(
        '<body><freejoint/><inertial pos="0 0 .1" mass="2" diaginertia=".1 .1 .1"/><geom size=".2"/></body>',
        '<compiler inertiafromgeom="true"/>',
    ),
    "inertiafromgeom_false": one(
        '<body><freejoint/><inertial pos="0 0 .1" mass="2" diaginertia=".1 .1 .1"/><geom size=".2"/>'
        '<body pos="0 0 1"><geom size=".3"/></body></body>',
        '<compiler inertiafromgeom="false"/>',
    ),
    "inertiagrouprange": solid('<geom size=".1" group="1"/><geom size=".2" pos="1 0 0" group="3"/>', '<compiler inertiagrouprange="0 2"/>'),
    "settotalmass": one(THREE_BODIES, '<compiler settotalmass="7.5"/>'),
    "boundmass_boundinertia": one(
        '<body><freejoint/><geom size=".01"/><body pos=".1 0 0"><geom size=".2"/></body></body>'
        '<body pos="1 0 0"><joint type="hinge"/><geom size=".05"/></body>',
        '<compiler boundmass=".2" boundinertia=".003"/>',
    ),
    "balanceinertia": one(
        '<body><freejoint/><inertial pos="0 0 0" mass="1" diaginertia=".1 .2 .9" euler="10 0 0"/></body>',
        '<compiler balanceinertia="true"/>',
    ),
    "shellinertia": one(
        "".join(
            f'<body pos="{i} 0 0"><freejoint/><geom type="{t}" size="{s}" shellinertia="true"/></body>'
            for i, (t, s) in enumerate(
                [("sphere", ".1"), ("capsule", ".1 .2"), ("cylinder", ".1 .2"), ("box", ".1 .2 .3"), ("ellipsoid", ".1 .2 .3")]
            )
        )
    ),
    "a_massless_body_below_a_moving_one": one(
        '<body name="a"><freejoint/><body name="empty" pos="0 0 .2" euler="0 30 0"><body name="full" pos=".1 0 0"><geom size=".1"/>'
        "</body></body><geom size='.1'/></body>"
    ),
    # classes, frames, arrays
    "nested_frames_and_childclass": one(
        '<frame pos="0 0 1" euler="0 0 90" childclass="thin"><body name="a" pos=".1 0 0"><freejoint/><geom fromto="0 0 0 0 0 .2"/>'
        '<frame pos=".1 0 0" axisangle="0 1 0 30"><frame euler="10 0 0" pos="0 .1 0" childclass="thick">'
        '<geom fromto="0 0 0 .1 0 0"/><site name="s" pos=".1 0 0" euler="5 0 0"/><geom class="thin" fromto="0 0 0 0 .1 0"/>'
        '<body name="b" pos="0 0 .1"><joint axis="1 0 0" pos=".1 0 0"/><geom fromto="0 0 0 .1 .1 0"/></body></frame></frame></body></frame>',
        '<default><geom type="capsule" size=".1"/><default class="thin"><geom size=".02"/><joint damping=".1"/></default>'
        '<default class="thick"><geom size=".07" density="2000"/></default></default>',
    ),
    "joints_in_a_frame": one(
        '<body name="a"><frame pos=".1 .2 0" euler="0 0 90"><joint axis="1 0 0" pos="0 0 .1"/><geom type="box" size=".1 .2 .3"/></frame>'
        '<joint axis="0 0 1"/></body>'
    ),
    "classes_inherit": one(
        '<body name="a" childclass="child"><joint/><geom/><body name="b"><joint class="grandchild"/><geom class="child"/>'
        '<body name="c" childclass="grandchild"><joint/><geom friction=".3"/></body></body></body>',
        '<default class="main"><geom size=".1" friction=".5 .1" solref=".05"/><joint damping="1" axis="0 1 0"/>'
        '<default class="child"><geom size=".2" condim="4"/><joint armature=".5"/>'
        '<default class="grandchild"><geom size=".3" margin=".01"/><joint damping="2" stiffness="3"/></default></default></default>',
    ),
    "partial_arrays_keep_defaults": solid(
        '<geom size=".1 .2" type="capsule" friction=".5" solref=".05" solimp=".8 .9"/><geom size=".1" friction=".5 .1"/>',
        '<default><geom friction="2 .2 .02" solimp=".1 .2 .3 .4 3"/></default>',
    ),
    "sections_in_any_order": (
        '<mujoco><worldbody><body><joint class="k" name="j"/><geom size=".1"/></body></worldbody><option timestep=".01"/>'
        '<default><default class="k"><joint damping="3" range="-10 20"/></default></default>'
        '<worldbody><body pos="1 0 0"><freejoint/><geom size=".1"/></body></worldbody><option gravity="1 2 3"/></mujoco>'
    ),
    "options": one(
        solid('<geom size=".1"/>')[len("<mujoco><worldbody>") : -len("</worldbody></mujoco>")],
        '<option timestep=".003" gravity="0 1 -5" wind="1 2 3" density="4" viscosity=".5" integrator="implicitfast" cone="elliptic" '
        'impratio="3"><flag contact="disable" spring="disable" energy="enable" eulerdamp="disable"/></option>',
    ),
    # joints
    "free_joint_takes_defaults": one(
        '<body name="a"><joint type="free"/><geom size=".1"/></body><body name="b" pos="1 0 0"><freejoint/><geom size=".1"/></body>',
        '<default><joint damping=".3" armature=".2" stiffness="4" frictionloss=".1"/></default>',
    ),
    "freejoint_aligned": one(
        '<body name="a" pos="1 2 3" euler="10 20 30"><freejoint align="true"/><geom type="box" size=".1 .2 .3" pos=".1 .2 0" euler="0 40 0"/>'
        '<geom size=".1"/><site name="s" pos=".1 0 0"/><body pos="0 0 .3"><joint axis="1 0 0" pos="0 0 .1"/><geom size=".05"/></body></body>'
        '<body name="b" pos="-1 0 0"><freejoint align="true"/><geom type="box" size=".1 .2 .3" pos=".1 .2 0" euler="0 40 0"/>'
        '<geom size=".1"/><site name="t" pos=".1 0 0"/></body>'
    ),
    "ranges_in_degrees": one(
        '<body><joint type="hinge" range="-30 60" ref="10" springref="20" margin="1"/><geom size=".1"/>'
        '<body><joint type="ball" range="0 45"/><geom size=".1"/><body><joint type="slide" range="-30 60" ref="1"/><geom size=".1"/>'
        '<body><joint type="hinge" range="-90 90" limited="false"/><geom size=".1"/>'
        '<body><joint type="hinge" limited="true" range="-1 1" axis="3 4 0"/><geom size=".1"/></body></body></body></body></body>'
    ),
    "ranges_in_radians": one(
        '<body><joint type="hinge" range="-1 1.5" ref=".1" springref=".2"/><geom size=".1"/><body><joint type="ball" range="0 .7"/><geom size=".1"/></body></body>',
        '<compiler angle="radian"/>',
    ),
    "autolimits_off": one(
        '<body><joint range="-30 60" limited="true"/><joint axis="1 0 0"/><geom size=".1"/></body>', '<compiler autolimits="false"/>'
    ),
    "a_joint_may_precede_a_ball": one('<body><joint pos=".2 0 0"/><joint type="slide" axis="1 0 0"/><joint type="ball"/><geom size=".1"/></body>'),
    "springdamper": one(
        '<body><joint springdamper=".5 .7"/><geom size=".1" pos=".2 0 0"/><body pos=".4 0 0"><joint type="ball" springdamper=".1 1"/>'
        '<geom type="box" size=".1 .2 .3"/></body></body>'
    ),
    "simple_slides": one(
        '<body><joint type="slide" axis="0 0 2" armature=".3"/><geom size=".1"/></body>'
        '<body pos="1 0 0"><joint type="slide" axis="1 0 0"/><joint type="slide" axis="0 1 0"/><geom size=".1"/></body>'
        '<body pos="2 0 0"><joint type="slide" axis="1 1 0"/><geom size=".1"/></body>'
        '<body pos="3 0 0"><joint type="slide" axis="0 1 0" pos=".1 0 0"/><geom size=".1"/></body>'
    ),
    # sites, keyframes, actuators
    "sites": one(
        '<body><freejoint/><geom size=".1"/><site name="a" type="capsule" size=".01" fromto="0 0 0 .1 .2 .3"/>'
        '<site name="b" type="box" size=".01 .02 .03" zaxis="1 0 0"/><site name="c" type="cylinder" size=".02" fromto="0 0 0 0 .2 0"/>'
        '<site name="d" type="ellipsoid" size=".02" fromto="0 0 .1 0 .2 0"/><site name="e"/></body>'
    ),
    "keyframe": (
        '<mujoco><worldbody><body mocap="true" pos="0 0 3"/><body><freejoint/><geom size=".1"/></body>'
        '<body pos="1 0 0"><joint name="j" range="-90 90" ref="30"/><geom size=".1"/></body></worldbody>'
        '<actuator><general joint="j" dyntype="integrator"/><motor joint="j"/></actuator>'
        '<keyframe><key qpos="1 2 3 2 0 0 2 .5" act=".1" mpos="1 1 1" mquat="0 2 0 0"/><key time="2" qvel="1 2 3 4 5 6 7" ctrl="1 2"/>'
        "</keyframe></mujoco>"
    ),
    "actuator_shortcuts": (
        '<mujoco><worldbody><body><joint name="j" range="-60 90"/><geom size=".1" pos=".2 0 0"/></body></worldbody><actuator>'
        '<general joint="j"/><motor joint="j" gear="2 3"/><position joint="j"/><position joint="j" kp="5" kv=".5" timeconst=".2"/>'
        '<position joint="j" kp="5" dampratio=".5"/><velocity joint="j"/><velocity joint="j" kv="4"/>'
        '<intvelocity joint="j" kp="3" kv=".1" actrange="-1 1"/><intvelocity joint="j" kp="3" inheritrange=".5"/>'
        '<damper joint="j" kv="2" ctrlrange="0 1"/><cylinder joint="j"/><cylinder joint="j" diameter=".3" bias="1 2 3" timeconst=".4"/>'
        '<position joint="j" kp="2" inheritrange="1.5"/></actuator></mujoco>'
    ),
    "actuator_classes": (
        '<mujoco><default><position kp="20" kv="2" ctrlrange="-1 1"/><default class="k"><general gear="3"/><motor gear="4"/></default></default>'
        '<worldbody><body><joint name="j"/><geom size=".1" pos=".2 0 0"/></body></worldbody><actuator>'
        '<position joint="j"/><general joint="j"/><velocity joint="j"/><motor joint="j"/><position joint="j" class="k"/>'
        '<general joint="j" class="k"/><motor joint="j" class="k"/><velocity joint="j" class="k"/></actuator></mujoco>'
    ),
    "actuator_classes_look_up_the_hierarchy": (
        '<mujoco><default><position kp="20" gear="7"/><default class="k"><velocity kv="3"/><default class="l"><motor gear="5"/></default></default></default>'
        '<worldbody><body><joint name="j"/><geom size=".1" pos=".2 0 0"/></body></worldbody><actuator>'
        '<position joint="j" class="l"/><velocity joint="j" class="l"/><general joint="j" class="l"/><motor joint="j" class="l"/>'
        '<cylinder joint="j" class="l"/><position joint="j" class="k"/><general joint="j" class="k"/><velocity joint="j" class="k" kv="9"/>'
        "</actuator></mujoco>"
    ),
    "shortcuts_read_a_general_default": (
        '<mujoco><default><general gainprm="5" biastype="affine" biasprm="1 2 -3" dyntype="filterexact" dynprm=".3"/>'
        '<default class="k"><general gaintype="affine"/></default></default>'
        '<worldbody><body><joint name="j"/><geom size=".1" pos=".2 0 0"/></body></worldbody><actuator>'
        '<general joint="j"/><motor joint="j"/><position joint="j"/><velocity joint="j"/><intvelocity joint="j"/><cylinder joint="j"/>'
        '<general joint="j" class="k"/><motor joint="j" class="k"/><position joint="j" class="k"/><velocity joint="j" class="k"/>'
        "</actuator></mujoco>"
    ),
    "static_geoms_and_welded_bodies": one(
        '<body name="table" pos="1 0 0" euler="0 0 20"><geom type="box" size=".5 .5 .1"/><body name="vase" pos="0 0 .3"><geom size=".1"/>'
        '<body name="flower" pos="0 0 .2"><joint type="ball"/><geom type="capsule" size=".01 .1"/></body></body></body>'
    ),
}

BODY = '<body name="b"><joint name="j"/><geom name="g" size=".1"/></body>'


def with_actuator(text):
    return f"<mujoco><worldbody>{BODY}</worldbody><actuator>{text}</actuator></mujoco>"


REFUSED = {
    "zero_quaternion": (one('<body quat="0 0 0 0"><freejoint/><geom size=".1"/></body>'), "a quaternion needs a direction"),
    "two_orientations": (one('<body quat="1 0 0 0" euler="0 0 0"><freejoint/><geom size=".1"/></body>'), "one orientation attribute at most"),
    "unknown_attribute": (one('<body><freejoint/><geom size=".1" colour="1 0 0"/></body>'), "no such attribute"),
    "wrong_case_of_an_attribute": (one('<body><freejoint/><geom Size=".1"/></body>'), "attributes are lower case"),
    "unknown_element": (one('<body><freejoint/><geom size=".1"/><wheel/></body>'), "no such element"),
    "zero_axis": (one('<body><joint axis="0 0 0"/><geom size=".1"/></body>'), "an axis needs a direction"),
    "zero_zaxis": (one('<body zaxis="0 0 0"><freejoint/><geom size=".1"/></body>'), "a z axis needs a direction"),
    "parallel_xyaxes": (one('<body xyaxes="1 0 0 2 0 0"><freejoint/><geom size=".1"/></body>'), "the two axes must not be parallel"),
    "negative_mass": (one('<body><freejoint/><geom size=".1" mass="-1"/></body>'), "a mass is not negative"),
    "negative_size": (one('<body><freejoint/><geom size="-.1"/></body>'), "a size is positive"),
    "missing_size": (one('<body><freejoint/><geom type="box" size=".1"/></body>'), "a box needs three sizes"),
    "moving_body_without_mass": (one("<body><freejoint/></body>"), "a moving body needs mass"),
    "moving_body_with_massless_geom": (one('<body><joint/><geom size=".1" mass="0"/></body>'), "a moving body needs mass"),
    "duplicate_body_names": (one('<body name="a"/><body name="a"/>'), "names of a kind are unique"),
    "duplicate_joint_names": (
        one('<body><joint name="a"/><joint name="a" axis="1 0 0"/><geom size=".1"/></body>'),
        "names of a kind are unique",
    ),
    "range_without_limited": (
        one('<body><joint range="-1 1"/><geom size=".1"/></body>', '<compiler autolimits="false"/>'),
        "without autolimits a range needs a word on limited",
    ),
    "empty_range": (one('<body><joint range="1 -1" limited="true"/><geom size=".1"/></body>'), "a range goes up"),
    "free_joint_below_a_body": (
        one('<body><freejoint/><geom size=".1"/><body><freejoint/><geom size=".1"/></body></body>'),
        "only children of the world are free",
    ),
    "free_joint_with_another": (
        one('<body><freejoint/><joint/><geom size=".1"/></body>'),
        "a free joint is the only one of its body",
    ),
    "hinge_after_ball": (
        one('<body><joint type="ball"/><joint/><geom size=".1"/></body>'),
        "no rotation may follow a ball joint in the same body",
    ),
    "seven_degrees_of_freedom": (
        one("<body>" + '<joint type="slide"/>' * 7 + '<geom size=".1"/></body>'),
        "a body has six degrees of freedom at most",
    ),
    "joint_of_the_world": (one('<joint/><geom size=".1"/>'), "the world does not move"),
    "ball_range_from_below_zero": (
        one('<body><joint type="ball" range="-10 10"/><geom size=".1"/></body>'),
        "the range of a ball joint starts at zero",
    ),
    "unknown_class": (one('<body><freejoint/><geom class="nobody" size=".1"/></body>'), "no such class"),
    "unknown_childclass": (one('<body childclass="nobody"><freejoint/><geom size=".1"/></body>'), "no such class"),
    "duplicate_classes": (
        one(BODY, '<default><default class="k"/><default class="k"/></default>'),
        "names of classes are unique",
    ),
    "renamed_top_class": (one(BODY, '<default class="top"><geom size=".1"/></default>'), "the top class is called main"),
    "unknown_joint_in_an_actuator": (with_actuator('<motor joint="nobody"/>'), "no such joint"),
    "actuator_without_target": (with_actuator('<motor name="m"/>'), "an actuator acts on something"),
    "damper_with_negative_control": (with_actuator('<damper joint="j" ctrlrange="-1 1"/>'), "a damper's control is not negative"),
    "position_with_kv_and_dampratio": (with_actuator('<position joint="j" kv="1" dampratio="1"/>'), "kv or dampratio, not both"),
    "inheritrange_without_range": (with_actuator('<position joint="j" inheritrange="1"/>'), "there is no range to inherit"),
    "impossible_inertia": (
        one('<body><freejoint/><inertial pos="0 0 0" mass="1" diaginertia="1 1 3"/></body>'),
        "two principal inertias add up to the third or more",
    ),
    "fullinertia_not_positive": (
        one('<body><freejoint/><inertial pos="0 0 0" mass="1" fullinertia="1 1 1 2 0 0"/></body>'),
        "an inertia is positive definite",
    ),
    "fullinertia_and_orientation": (
        one('<body><freejoint/><inertial pos="0 0 0" mass="1" fullinertia="1 1 1 0 0 0" quat="1 0 0 0"/></body>'),
        "a full inertia has its orientation already",
    ),
    "inertial_without_mass": (one('<body><freejoint/><inertial pos="0 0 0" diaginertia="1 1 1"/></body>'), "an inertial needs a mass"),
    "inertial_without_position": (one('<body><freejoint/><inertial mass="1" diaginertia="1 1 1"/></body>'), "an inertial needs a position"),
    "moving_plane": (one('<body><freejoint/><geom size=".1"/><geom type="plane" size="1 1 1"/></body>'), "planes do not move"),
    "fromto_of_a_sphere": (one('<body><freejoint/><geom type="sphere" size=".1" fromto="0 0 0 0 0 1"/></body>'), "a sphere has no ends"),
    "fromto_of_no_length": (one('<body><freejoint/><geom type="capsule" size=".1" fromto="1 1 1 1 1 1"/></body>'), "the two ends coincide"),
    "bad_eulerseq": (turned('euler="1 2 3"', '<compiler eulerseq="xyw"/>'), "an Euler sequence is three letters of x, y, z"),
    "global_coordinates": (one(BODY, '<compiler coordinate="global"/>'), "coordinates are local"),
    "keyframe_of_wrong_length": (
        f'<mujoco><worldbody>{BODY}</worldbody><keyframe><key qpos="1 2"/></keyframe></mujoco>',
        "a keyframe has as many numbers as the state",
    ),
    "a_word_for_a_number": (one('<body><freejoint/><geom size="big"/></body>'), "not a number"),
    "too_many_numbers": (one('<body pos="1 2 3 4"><freejoint/><geom size=".1"/></body>'), "a position has three numbers"),
    "too_few_numbers": (one('<body pos="1 2"><freejoint/><geom size=".1"/></body>'), "a position has three numbers"),
    "unknown_integrator": (one(BODY, '<option integrator="verlet"/>'), "no such integrator"),
    "tendon_of_an_unknown_joint": (
        f'<mujoco><worldbody>{BODY}</worldbody><tendon><fixed><joint joint="nobody" coef="1"/></fixed></tendon></mujoco>',
        "no such joint",
    ),
    "tendon_of_a_single_site": (
        f'<mujoco><worldbody><site name="s"/>{BODY}</worldbody><tendon><spatial><site site="s"/></spatial></tendon></mujoco>',
        "a cord needs two ends",
    ),
    "mocap_body_with_a_joint": (one('<body mocap="true"><joint/><geom size=".1"/></body>'), "a mocap body has no joints"),
}


def main():
    assert mujoco.__version__ == VERSION, f"needs mujoco {VERSION}"
    bodies = []
    for name, xml in BODIES.items():
        m = mujoco.MjModel.from_xml_string(xml)
        c = constants(m)
        for k in MORE:
            c[k] = flat(getattr(m, k))
        c["option"] = {k: flat(np.atleast_1d(getattr(m.opt, k))) for k in OPTIONS}
        bodies.append({"name": name, "xml": xml, "constants": c})
    save(HERE / "bodies.json", {"mujoco": mujoco.__version__, "models": bodies})
    refused = []
    for name, (xml, reason) in REFUSED.items():
        try:
            mujoco.MjModel.from_xml_string(xml)
        except ValueError as error:
            print(f"{name:32} {reason:60} | {str(error).splitlines()[-1 if 'Element' not in str(error) else 0][:90]}")
            refused.append({"name": name, "xml": xml, "reason": reason})
        else:
            print(f"{name:32} LOADS: leave it out")
    save(HERE / "refused.json", {"mujoco": mujoco.__version__, "models": refused})
    print(len(bodies), "bodies,", len(refused), "refused")


if __name__ == "__main__":
    main()

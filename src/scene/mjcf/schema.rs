//! Which elements and attributes MJCF knows, so that a misspelt one is an error and not silence.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::layers::did_you_mean;
use super::xml::Element;
use crate::error::Error;

/// Attributes that many elements share; a rule names them as `@name`.
const GROUPS: &[(&str, &str)] = &[
    ("oriented", "quat axisangle euler xyaxes zaxis"),
    ("posed", "pos @oriented"),
    ("softness", "solref solimp"),
    ("contacting", "contype conaffinity condim priority friction solmix @softness margin gap"),
    (
        "lossy",
        "stiffness damping springyield armature frictionloss margin range limited actuatorfrcrange \
         actuatorfrclimited solreflimit solimplimit solreffriction solimpfriction group user",
    ),
    ("joint", "type pos axis ref springref springdamper actuatorgravcomp @lossy"),
    (
        "geom",
        "type size fromto @posed @contacting mass density shellinertia adhesion surfacevel fluidshape \
         fluidcoef mesh hfield fitscale material rgba castshadow group user",
    ),
    ("site", "type size fromto @posed mesh material rgba group user"),
    (
        "camera",
        "@posed mode fovy ipd focal focalpixel principal principalpixel sensorsize resolution output \
         projection user",
    ),
    (
        "light",
        "pos dir mode type directional castshadow active ambient attenuation bulbradius cutoff diffuse \
         exponent intensity range softness specular",
    ),
    (
        "texture",
        "type builtin colorspace embed gridlayout gridsize width height hflip vflip mark markrgb nchannel \
         random rgb1 rgb2",
    ),
    (
        "material",
        "texture texrepeat texuniform rgba emission metallic reflectance roughness shininess specular",
    ),
    ("pair", "condim friction margin gap adhesion solreffriction @softness"),
    ("tendon", "springlength @lossy"),
    ("delayed", "delay nsample interp"),
    ("pushed", "ctrlrange ctrllimited forcerange forcelimited group user @delayed"),
    ("geared", "gear cranklength damping armature @pushed"),
    ("target", "name class joint jointinparent tendon cranksite slidersite lengthrange"),
    ("sited", "@target site refsite"),
    ("stateful", "actdim actearly actlimited actrange dyntype dynprm"),
    ("general", "@geared @stateful gaintype gainprm biastype biasprm inheritrange input velrange ffrange"),
    ("position", "@geared kp kv dampratio timeconst inheritrange"),
    ("velocity", "@geared kv"),
    ("intvelocity", "@geared kp kv dampratio inheritrange actlimited actrange"),
    ("orientation", "ctrlrange forcerange forcelimited group user @delayed kp kv dampratio input"),
    ("pid", "@geared kp ki kv dampratio imax slewmax inheritrange input posrange velrange ffrange"),
    ("damper", "gear cranklength damping armature ctrlrange forcerange forcelimited group user @delayed kv"),
    ("cylinder", "@geared area diameter bias timeconst"),
    ("muscle", "@geared force fpmax fvmax lmax lmin range scale timeconst vmax"),
    ("adhesion", "ctrlrange forcerange forcelimited group user @delayed gain"),
    (
        "dcmotor",
        "gear cranklength damping armature ctrlrange ctrllimited group user @delayed cogging controller \
         inductance input lugre motorconst nominal resistance saturation thermal",
    ),
    ("sensed", "name cutoff noise user delay interp interval nsample"),
    ("placed", "objtype objname reftype refname @sensed"),
    ("surfaces", "geom1 geom2 body1 body2 @sensed"),
    ("held", "name class active @softness"),
    ("plugged", "plugin instance"),
    ("skin", "name file face vertex texcoord inflate material rgba group"),
    ("tree", "body geom site camera light frame replicate attach flexcomp"),
];

/// `context: attributes | children`; a child is `tag`, or `tag=context`, or `tag?` if it is unique.
const RULES: &[&str] = &[
    "mujoco: model | compiler option size statistic visual default extension asset worldbody=world \
     deformable contact tendon=tendons equality=equalities actuator=actuators sensor=sensors custom keyframe",
    "compiler: alignfree angle assetdir autolimits balanceinertia boundinertia boundmass conflict coordinate \
     discardvisual eulerseq fitaabb fusestatic inertiafromgeom inertiagrouprange meshdir passthrough \
     savecanonical savecompiled saveinertial settotalmass strippath texturedir usethread | lengthrange?",
    "lengthrange: accel interval inttotal maxforce mode timeconst timestep tolrange useexisting uselimit",
    "option: timestep gravity wind magnetic density viscosity impratio integrator cone jacobian solver \
     iterations tolerance ls_iterations ls_tolerance noslip_iterations noslip_tolerance ccd_iterations \
     ccd_tolerance sdf_iterations sdf_initpoints sleep_tolerance actuatorgroupdisable o_margin o_solref \
     o_solimp o_friction | flag?",
    "flag: actuation autoreset clampctrl constraint contact damper diagexact energy equality eulerdamp \
     filterparent frictionloss fwdinv gravity invdiscrete ipc island limit midphase multiccd nativeccd \
     override refsafe sensor sleep speculative spring warmstart",
    "size: memory nconmax njmax nkey nstack nuser_actuator nuser_body nuser_cam nuser_geom nuser_jnt \
     nuser_sensor nuser_site nuser_tendon nuserdata",
    "statistic: center extent meaninertia meanmass meansize",
    "visual: | global? quality? headlight? map? scale? rgba?",
    "global: azimuth bvactive cameraid elevation ellipsoidinertia fovy glow ipd linewidth offheight offwidth \
     orthographic realtime",
    "quality: numquads numslices numstacks offsamples shadowsize",
    "headlight: active ambient diffuse specular",
    "map: actuatortendon alpha fogend fogstart force haze shadowclip shadowscale stiffness stiffnessrot \
     torque zfar znear",
    "scale: actuatorlength actuatorwidth camera com connect constraint contactheight contactwidth forcewidth \
     framelength framewidth frustum jointlength jointwidth light selectpoint slidercrank",
    "rgba: actuator actuatornegative actuatorpositive bv bvactive camera com connect constraint contactforce \
     contactfriction contactgap contactpoint contacttorque crankbroken fog force frustum haze inertia joint \
     light rangefinder selectpoint slidercrank",
    "default: class | default mesh?=mesh_default texture?=texture_default material?=material_default \
     joint?=joint_default geom?=geom_default site?=site_default camera?=camera_default light?=light_default \
     pair?=pair_default equality?=equality_default tendon?=tendon_default general?=general_default \
     motor?=motor_default position?=position_default velocity?=velocity_default \
     intvelocity?=intvelocity_default orientation?=orientation_default pid?=pid_default \
     damper?=damper_default cylinder?=cylinder_default muscle?=muscle_default adhesion?=adhesion_default \
     dcmotor?=dcmotor_default",
    "mesh_default: inertia maxhullvert scale",
    "texture_default: @texture",
    "material_default: @material | layer",
    "joint_default: @joint",
    "geom_default: @geom",
    "site_default: @site",
    "camera_default: @camera",
    "light_default: @light",
    "pair_default: @pair",
    "equality_default: active @softness",
    "tendon_default: @tendon width material rgba",
    "general_default: @general",
    "motor_default: @geared",
    "position_default: @position",
    "velocity_default: @velocity",
    "intvelocity_default: @intvelocity",
    "orientation_default: @orientation",
    "pid_default: @pid",
    "damper_default: @damper",
    "cylinder_default: @cylinder",
    "muscle_default: @muscle",
    "adhesion_default: @adhesion",
    "dcmotor_default: @dcmotor",
    "layer: role texture",
    "extension: | plugin=plugin_extension",
    "plugin_extension: plugin | instance",
    "instance: name | config",
    "config: key value",
    "plugin: @plugged | config",
    "asset: | mesh hfield skin texture material model",
    "mesh: name class file content_type builtin params vertex normal texcoord face scale refpos refquat \
     inertia material maxhullvert smoothnormal | plugin",
    "hfield: name file content_type nrow ncol size elevation",
    "skin: @skin | bone",
    "bone: body bindpos bindquat vertid vertweight",
    "texture: @texture name class file fileback filedown filefront fileleft fileright fileup content_type",
    "material: @material name class | layer",
    "model: name file content_type",
    "world: | @tree inertial joint freejoint",
    "body: name childclass @posed mocap gravcomp simple fuse sleep user | @tree inertial? joint freejoint \
     plugin",
    "frame: name childclass @posed scale scaling massscale | @tree inertial joint freejoint plugin",
    "replicate: count sep offset euler childclass | @tree joint freejoint inertial",
    "inertial: @posed mass diaginertia fullinertia",
    "joint: @joint name class",
    "freejoint: name group align",
    "geom: @geom name class | plugin",
    "site: @site name class",
    "camera: @camera name class target",
    "light: @light name class target texture",
    "attach: model body frame prefix",
    "flexcomp: name type count spacing scale mass inertiabox radius rgba material group file mesh point element \
     texcoord dim dof origin rigid flatskin cellcount @posed | edge? elasticity? contact?=flex_contact pin \
     plugin",
    "edge: stiffness damping equality @softness",
    "elasticity: young poisson damping thickness elastic2d section sectionsize shear yield",
    "flex_contact: @contacting activelayers passive selfcollide",
    "pin: id range grid gridrange",
    "deformable: | flex skin",
    "flex_edge: damping stiffness",
    "flex: name body node nodecoord vertex element texcoord elemtexcoord dim dof cellcount radius rgba \
     material group flatskin | contact?=flex_contact edge?=flex_edge elasticity?",
    "contact: | pair exclude",
    "pair: @pair name class geom1 geom2",
    "exclude: name body1 body2",
    "tendons: | spatial fixed",
    "spatial: @tendon name class width material rgba | site=path_site geom=path_geom pulley",
    "path_site: site",
    "path_geom: geom sidesite",
    "pulley: divisor",
    "fixed: @tendon name class | joint=path_joint",
    "path_joint: joint coef",
    "equalities: | connect weld joint=joint_equality tendon=tendon_equality flex=flex_equality flexstrain",
    "connect: @held body1 body2 anchor site1 site2",
    "weld: @held body1 body2 anchor site1 site2 relpose torquescale",
    "joint_equality: @held joint1 joint2 polycoef",
    "tendon_equality: @held tendon1 tendon2 polycoef",
    "flex_equality: @held flex",
    "flexstrain: @held flex cell",
    "actuators: | general motor position velocity intvelocity orientation pid damper cylinder muscle \
     adhesion dcmotor plugin=plugin_actuator",
    "general: @general @sited body",
    "motor: @geared @sited",
    "position: @position @sited",
    "velocity: @velocity @sited",
    "intvelocity: @intvelocity @sited",
    "orientation: @orientation name class joint site refsite",
    "pid: @pid @sited",
    "damper: @damper @sited",
    "cylinder: @cylinder @sited",
    "muscle: @muscle @target tausmooth",
    "adhesion: @adhesion name class body",
    "dcmotor: @dcmotor @sited",
    "plugin_actuator: @plugged @geared @stateful @target site | config",
    "custom: | numeric text tuple",
    "numeric: name size data",
    "text: name data",
    "tuple: name | element=tuple_element",
    "tuple_element: objtype objname prm",
    "keyframe: | key",
    "key: name time qpos qvel act ctrl mpos mquat plastic",
];

/// The sensors, by what they are attached to.
const SENSORS: &[(&str, &str)] = &[
    ("touch accelerometer velocimeter gyro force torque magnetometer", "site @sensed"),
    ("camprojection", "site camera @sensed"),
    ("rangefinder", "site camera data @sensed"),
    (
        "jointpos jointvel jointactuatorfrc ballquat ballangvel jointlimitpos jointlimitvel jointlimitfrc",
        "joint @sensed",
    ),
    ("tendonpos tendonvel tendonactuatorfrc tendonlimitpos tendonlimitvel tendonlimitfrc", "tendon @sensed"),
    ("actuatorpos actuatorvel actuatorfrc", "actuator @sensed"),
    ("framepos framequat framexaxis frameyaxis framezaxis framelinvel frameangvel", "@placed"),
    ("framelinacc frameangacc", "objtype objname @sensed"),
    ("subtreecom subtreelinvel subtreeangmom", "body @sensed"),
    ("insidesite", "site objtype objname enclosed @sensed"),
    ("distance normal fromto", "@surfaces"),
    ("contact", "@surfaces site subtree1 subtree2 data num reduce"),
    ("e_potential e_kinetic clock", "@sensed"),
    ("tactile", "geom mesh @sensed"),
    ("user", "objtype objname datatype dim needstage @sensed"),
    ("plugin", "@plugged @placed | config"),
];

/// What an element may have.
pub struct Rule {
    attributes: Vec<&'static str>,
    /// Tag, context, and whether it may appear only once.
    pub children: Vec<(&'static str, String, bool)>,
}

/// The rule of every context.
pub static TABLE: LazyLock<HashMap<String, Rule>> = LazyLock::new(|| {
    let mut table = HashMap::new();
    for rule in RULES {
        let (context, body) = rule.split_once(':').expect("a rule has a colon");
        table.insert(context.to_string(), read_rule(body));
    }
    let mut sensors = Vec::new();
    for (tags, body) in SENSORS {
        for tag in tags.split_whitespace() {
            let context = format!("{tag}_sensor");
            table.insert(context.clone(), read_rule(body));
            sensors.push((tag, context, false));
        }
    }
    table.insert("sensors".to_string(), Rule { attributes: Vec::new(), children: sensors });
    table
});

fn read_rule(body: &'static str) -> Rule {
    let (attributes, children) = body.split_once('|').unwrap_or((body, ""));
    let child = |word: &'static str| {
        let (tag, context) = word.split_once('=').unwrap_or((word, word));
        let plain = tag.trim_end_matches('?');
        (plain, context.trim_end_matches('?').to_string(), plain != tag)
    };
    Rule { attributes: expanded(attributes), children: expanded(children).into_iter().map(child).collect() }
}

/// The words of a list, with every group replaced by its words.
fn expanded(words: &'static str) -> Vec<&'static str> {
    let mut result = Vec::new();
    for word in words.split_whitespace() {
        match word.strip_prefix('@') {
            Some(group) => {
                let (_, inner) = GROUPS.iter().find(|(name, _)| *name == group).expect("a known group");
                result.extend(expanded(inner));
            }
            None => result.push(word),
        }
    }
    result
}

/// Checks every element and attribute below the root against the tables.
pub(super) fn check(root: &Element) -> Result<(), Error> {
    check_in(root, "mujoco")
}

fn check_in(element: &Element, context: &str) -> Result<(), Error> {
    let rule = &TABLE[context];
    for (name, _) in &element.attributes {
        if context == "world" {
            return Err(element.error(format!("worldbody has the attribute {name} (it takes none)")));
        }
        if !rule.attributes.contains(&name.as_str()) {
            let message = format!("{} has the unknown attribute {name}", element.label());
            return Err(element.error(did_you_mean(message, name, rule.attributes.iter().copied())));
        }
    }
    let mut once = Vec::new();
    for child in &element.children {
        let Some((tag, context, unique)) = rule.children.iter().find(|(tag, ..)| *tag == child.tag) else {
            let message = format!("unknown element {} inside {}", child.tag, element.label());
            let known = rule.children.iter().map(|(tag, ..)| *tag);
            return Err(child.error(did_you_mean(message, &child.tag, known)));
        };
        if *unique && once.contains(tag) {
            return Err(child.error(format!("{} has a second {tag} (one is allowed)", element.label())));
        }
        once.push(tag);
        check_in(child, context)?;
    }
    Ok(())
}

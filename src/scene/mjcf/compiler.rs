//! The `compiler` element: how the rest of the file is to be understood.

use std::path::{Path, PathBuf};

use super::layers::Layers;
use super::xml::{Element, beside_main_or_includer};
use crate::error::Error;
use crate::model::description::InertiaRule;

/// Whether body inertia comes from geoms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FromGeom {
    Never,
    Always,
    IfMissing,
}

/// The settings that hold for the whole file, wherever they stand.
#[derive(Clone, Debug)]
pub(super) struct Compiler {
    /// What an angle of the file is multiplied with.
    pub radians: f64,
    pub euler: [char; 3],
    pub autolimits: bool,
    pub from_geom: FromGeom,
    pub groups: [i64; 2],
    pub align_free: bool,
    pub fit_box: bool,
    /// Whether bodies without joints become parts of their parents.
    pub fuse: bool,
    pub rule: InertiaRule,
    mesh_folder: PathBuf,
    strip_path: bool,
    main_folder: PathBuf,
}

impl Compiler {
    pub fn read(root: &Element, path: &Path) -> Result<Self, Error> {
        let layers = Layers::sections(root, "compiler");
        let own = layers.own().unwrap_or(root);
        if layers.text("coordinate") == Some("global") {
            return Err(own.error("coordinate is \"global\" (only local coordinates are supported)"));
        }
        layers.keyword("coordinate", &[("local", ())], ())?;
        let degrees = layers.keyword("angle", &[("degree", true), ("radian", false)], true)?;
        let total = layers.number("settotalmass", -1.0)?;
        let words = [("true", FromGeom::Always), ("false", FromGeom::Never), ("auto", FromGeom::IfMissing)];
        Ok(Self {
            radians: if degrees { std::f64::consts::PI / 180.0 } else { 1.0 },
            euler: euler_sequence(&layers, own)?,
            autolimits: layers.boolean("autolimits", true)?,
            from_geom: layers.keyword("inertiafromgeom", &words, FromGeom::IfMissing)?,
            groups: layers.exact::<2>("inertiagrouprange")?.map_or([0, 5], |r| r.map(|g| g as i64)),
            align_free: layers.boolean("alignfree", false)?,
            fit_box: layers.boolean("fitaabb", false)?,
            fuse: layers.boolean("fusestatic", false)?,
            rule: InertiaRule {
                bound_mass: layers.number("boundmass", 0.0)?,
                bound_inertia: layers.number("boundinertia", 0.0)?,
                balance: layers.boolean("balanceinertia", false)?,
                total_mass: (total > 0.0).then_some(total),
            },
            mesh_folder: layers.text("meshdir").or(layers.text("assetdir")).unwrap_or("").into(),
            strip_path: layers.boolean("strippath", false)?,
            main_folder: path.parent().unwrap_or(Path::new("")).to_path_buf(),
        })
    }

    /// Where a mesh file named in an element is.
    pub fn mesh_file(&self, file: &str, element: &Element) -> PathBuf {
        // Files from other systems separate folders by backslashes.
        let name = if self.strip_path { file.rsplit(['/', '\\']).next().unwrap_or(file) } else { file };
        let inside = self.mesh_folder.join(name);
        beside_main_or_includer(&inside.to_string_lossy(), &self.main_folder, &element.file)
    }

    /// Whether a geom of this group counts in the inertia of its body.
    pub fn counts(&self, group: i64) -> bool {
        (self.groups[0]..=self.groups[1]).contains(&group)
    }

    /// Whether a range limits: as `limited` says, else because the range is not empty.
    pub fn limited(&self, layers: &Layers, switch: &str, name: &str, range: [f64; 2]) -> Result<bool, Error> {
        let words = [("true", Some(true)), ("false", Some(false)), ("auto", None)];
        let own = layers.own().expect("an element");
        let limited = match layers.keyword(switch, &words, None)? {
            Some(stated) => stated,
            None if self.autolimits => range[0] < range[1],
            None if range == [0.0; 2] => false,
            None => {
                return Err(own.error(format!(
                    "{} has {name} without {switch} (autolimits is off: state {switch} too)",
                    own.label()
                )));
            }
        };
        if limited && range[0] >= range[1] {
            return Err(own.error(format!(
                "the {name} of {} is {} to {} (the first number must be the smaller one)",
                own.label(),
                range[0],
                range[1]
            )));
        }
        Ok(limited)
    }
}

fn euler_sequence(layers: &Layers, own: &Element) -> Result<[char; 3], Error> {
    let text = layers.text("eulerseq").unwrap_or("xyz");
    let letters: Vec<char> = text.chars().collect();
    match letters[..] {
        [a, b, c] if letters.iter().all(|l| "xyzXYZ".contains(*l)) => Ok([a, b, c]),
        _ => Err(own.error(format!("eulerseq is \"{text}\" (it takes three letters out of xyzXYZ)"))),
    }
}

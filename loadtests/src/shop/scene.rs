//! Photographs that nobody took: still lifes computed pixel by pixel, with the noise, blur and soft light
//! that make a camera's JPEG large and that an encoder has to cope with.

use image::{Rgb, RgbImage};

use super::catalog::Form;
use super::noise::{Noise, smoothstep};

/// What one picture shows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scene {
    pub(crate) seed: u64,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) form: Form,
    pub(crate) colour: [u8; 3],
    /// Other pieces left and right of the first one, for banners.
    pub(crate) companions: bool,
    /// How far the camera stands to the left (-1) or right (1).
    pub(crate) turn: f32,
}

type Colour = [f32; 3];

/// Renders a scene. The same scene gives the same pixels.
pub(crate) fn render(scene: &Scene) -> RgbImage {
    let studio = Studio::new(scene);
    RgbImage::from_fn(scene.width, scene.height, |x, y| {
        let colour = studio.pixel(x as f32, y as f32);
        let grain = studio.noise.white(x, y) * 9.0;
        Rgb(colour.map(|channel| (channel * 255.0 + grain).clamp(0.0, 255.0) as u8))
    })
}

/// One thing standing on the table.
struct Piece {
    form: Form,
    colour: Colour,
    /// Middle of its foot, in pixels.
    x: f32,
    foot: f32,
    /// Height in pixels.
    size: f32,
}

struct Studio {
    noise: Noise,
    width: f32,
    height: f32,
    horizon: f32,
    wall: Colour,
    table: Colour,
    pieces: Vec<Piece>,
    bokeh: Vec<(f32, f32, f32, Colour)>,
    light: [f32; 3],
}

impl Studio {
    fn new(scene: &Scene) -> Self {
        let noise = Noise::new(scene.seed);
        let (width, height) = (scene.width as f32, scene.height as f32);
        let own = scene.colour.map(|channel| f32::from(channel) / 255.0);
        let tint = noise.unit(1);
        let warm = [0.80, 0.74, 0.67];
        let cool = [0.62, 0.68, 0.72];
        let wall = mix(mix(warm, cool, tint), own, 0.16);
        let table = mix([0.52, 0.38, 0.26], [0.72, 0.66, 0.60], noise.unit(2));
        Self {
            noise,
            width,
            height,
            horizon: height * 0.66,
            wall,
            table,
            pieces: pieces(scene, own, noise),
            bokeh: (0..14)
                .map(|i| light_spot(noise, i, width, height))
                .collect(),
            light: [-0.55 + scene.turn * 0.35, -0.55, 0.63],
        }
    }

    fn pixel(&self, x: f32, y: f32) -> Colour {
        let mut colour = self.backdrop(x, y);
        colour = scale(colour, self.shadow(x, y));
        for piece in &self.pieces {
            if let Some((surface, cover)) = self.piece_at(piece, x, y) {
                colour = mix(colour, surface, cover);
            }
        }
        scale(colour, self.vignette(x, y))
    }

    /// Wall with blurred lights above, table with grain below, and a soft edge between.
    fn backdrop(&self, x: f32, y: f32) -> Colour {
        let falloff = 1.12 - 0.5 * (x / self.width - 0.25).abs() - 0.18 * (y / self.height);
        let mottle = self.noise.fractal(x / 260.0, y / 260.0, 3) * 0.06;
        let mut wall = scale(self.wall, falloff + mottle);
        for &(bx, by, radius, glow) in &self.bokeh {
            let distance = ((x - bx).powi(2) + (y - by).powi(2)).sqrt() / radius;
            if distance < 1.05 {
                let disc = (1.0 - smoothstep(0.88, 1.05, distance)) * (0.10 + 0.09 * distance);
                wall = mix(wall, glow, disc);
            }
        }
        let depth = ((y - self.horizon) / (self.height - self.horizon)).clamp(0.0, 1.0);
        let stretch = 1.0 + depth * 2.5;
        let plank = self.noise.fractal(x / (420.0 * stretch), y / 16.0, 5);
        let fibre = self.noise.fractal(x / 46.0, y / 2.4, 2) * 0.10;
        let table = scale(
            self.table,
            0.82 + plank * 0.42 + fibre * depth + depth * 0.14,
        );
        mix(
            wall,
            table,
            smoothstep(self.horizon - 14.0, self.horizon + 14.0, y),
        )
    }

    fn shadow(&self, x: f32, y: f32) -> f32 {
        self.pieces.iter().fold(1.0, |lit, piece| {
            let reach = piece.size * 0.5;
            let dx = (x - piece.x - reach * 0.35) / (reach * 1.25);
            let dy = (y - piece.foot) / (reach * 0.20);
            lit * (1.0 - 0.62 * (-(dx * dx + dy * dy) * 1.4).exp())
        })
    }

    fn vignette(&self, x: f32, y: f32) -> f32 {
        let (dx, dy) = (x / self.width - 0.5, y / self.height - 0.5);
        1.06 - 0.55 * (dx * dx + dy * dy)
    }

    fn piece_at(&self, piece: &Piece, x: f32, y: f32) -> Option<(Colour, f32)> {
        let (u, v) = ((x - piece.x) / piece.size, (piece.foot - y) / piece.size);
        if piece.form == Form::Cushion {
            return self.cushion(piece, u, v);
        }
        if piece.form == Form::Mug
            && let Some(handle) = self.handle(piece, u, v)
        {
            return Some(handle);
        }
        let radius = profile(piece.form, v)?;
        let across = u / radius;
        if across.abs() >= 1.0 {
            return None;
        }
        let slope = profile(piece.form, v + 0.004).map_or(0.0, |above| (above - radius) / 0.004);
        let facing = (1.0 - across * across).sqrt();
        let normal = unit([across, slope * 0.7, facing]);
        let surface = self.material(piece, u, v, across);
        Some((
            self.shade(surface, normal, gloss(piece.form)),
            edge(across.abs(), radius * piece.size),
        ))
    }

    /// A square of cloth that bulges in the middle.
    fn cushion(&self, piece: &Piece, u: f32, v: f32) -> Option<(Colour, f32)> {
        let (cx, cy) = (u / 0.56, (v - 0.44) / 0.46);
        let pinch = 1.0
            - 0.10 * (1.0 - cx.abs()).max(0.0) * cy.abs()
            - 0.10 * (1.0 - cy.abs()).max(0.0) * cx.abs();
        let (cx, cy) = (cx / pinch, cy / pinch);
        let reach = (cx.powi(6) + cy.powi(6)).powf(1.0 / 6.0);
        if reach >= 1.0 {
            return None;
        }
        let crease = self.noise.fractal(cx * 2.2 + 7.0, cy * 2.2, 4) - 0.5;
        let normal = unit([
            cx.powi(3) * 0.9 + crease * 0.7,
            cy.powi(3) * 0.9 + crease * 0.5,
            1.0,
        ]);
        let (px, py) = (u * piece.size, v * piece.size);
        let weave = (px * 0.9).sin() * (py * 0.9).sin() * 0.055
            + (self.noise.fractal(px / 3.0, py / 60.0, 2) - 0.5) * 0.16;
        let piping = if reach > 0.955 { 0.78 } else { 1.0 };
        let cloth = scale(piece.colour, (0.95 + weave) * piping);
        Some((
            self.shade(cloth, normal, 0.03),
            edge(reach, piece.size * 0.5),
        ))
    }

    fn handle(&self, piece: &Piece, u: f32, v: f32) -> Option<(Colour, f32)> {
        let (dx, dy) = ((u - 0.38) / 0.20, (v - 0.40) / 0.24);
        let ring = (dx * dx + dy * dy).sqrt();
        let across = (ring - 0.86) / 0.15;
        if across.abs() >= 1.0 || u < 0.30 {
            return None;
        }
        let normal = unit([
            across * dx.signum(),
            across * dy,
            (1.0 - across * across).sqrt(),
        ]);
        let surface = self.material(piece, u, v, across);
        Some((
            self.shade(surface, normal, gloss(piece.form)),
            edge(across.abs(), piece.size * 0.03),
        ))
    }

    /// Glaze, wax, glass or linen, before light falls on it.
    fn material(&self, piece: &Piece, u: f32, v: f32, across: f32) -> Colour {
        let wrap = across.asin() * 1.4 + piece.x;
        let flow = self.noise.fractal(wrap * 1.6, v * 5.0, 5);
        let speckle = self.noise.fractal(wrap * 60.0, v * 85.0, 2);
        let speck = if speckle > 0.74 { 0.72 } else { 1.0 };
        let foot = smoothstep(0.0, 0.10, v);
        match piece.form {
            Form::Lamp if v > 0.46 => {
                let thread =
                    (u * piece.size * 1.1).sin() * 0.03 + (v * piece.size * 1.1).sin() * 0.03;
                let glow = 1.25 - 0.9 * (v - 0.64).abs();
                scale(
                    mix([1.0, 0.86, 0.62], piece.colour, 0.45),
                    (glow + thread) * (0.9 + flow * 0.2),
                )
            }
            Form::Lamp => scale([0.34, 0.26, 0.20], 0.7 + flow * 0.6),
            Form::Candle if v > 0.93 => [1.0, 0.86, 0.45],
            Form::Bottle => scale(
                piece.colour,
                0.55 + 0.75 * across.abs().powi(3) + flow * 0.25,
            ),
            Form::Jar if v > 0.84 => scale([0.56, 0.42, 0.28], 0.75 + flow * 0.5),
            _ => {
                let clay = [0.62, 0.48, 0.36];
                let glaze = scale(piece.colour, (0.74 + flow * 0.55) * speck);
                mix(scale(clay, 0.8 + flow * 0.3), glaze, foot)
            }
        }
    }

    fn shade(&self, surface: Colour, normal: [f32; 3], gloss: f32) -> Colour {
        let light = unit(self.light);
        let facing = (normal[0] * light[0] - normal[1] * light[1] + normal[2] * light[2]).max(0.0);
        let half = unit([light[0], -light[1], light[2] + 1.0]);
        let shine = (normal[0] * half[0] + normal[1] * half[1] + normal[2] * half[2])
            .max(0.0)
            .powi(48)
            * gloss;
        let rim = (1.0 - normal[2]).powi(3) * 0.12;
        surface.map(|channel| channel * (0.30 + 0.82 * facing) + shine + rim * channel)
    }
}

fn pieces(scene: &Scene, own: Colour, noise: Noise) -> Vec<Piece> {
    let (width, height) = (scene.width as f32, scene.height as f32);
    let size = height * 0.66;
    let middle = width * (0.5 + scene.turn * 0.05);
    let mut all = Vec::new();
    if scene.companions {
        for (i, form) in [Form::Bottle, Form::Jar, Form::Bowl, Form::Candle]
            .into_iter()
            .enumerate()
        {
            let place = [0.14, 0.30, 0.72, 0.88][i] * width;
            let shift = noise.unit(40 + i as u64);
            let colour = mix(own, [0.4 + 0.5 * shift, 0.55, 0.75 - 0.4 * shift], 0.55);
            all.push(Piece {
                form,
                colour,
                x: place,
                foot: height * 0.80,
                size: size * (0.62 + 0.2 * shift),
            });
        }
    }
    all.push(Piece {
        form: scene.form,
        colour: own,
        x: middle,
        foot: height * 0.86,
        size,
    });
    all
}

/// Half the width of a turned piece at height `v` (0 foot, 1 top), as a share of its height.
fn profile(form: Form, v: f32) -> Option<f32> {
    let top = if form == Form::Mug {
        0.78
    } else if form == Form::Bowl {
        0.52
    } else {
        1.0
    };
    if !(0.0..=top).contains(&v) {
        return None;
    }
    let at = |points: &[(f32, f32)]| curve(points, v);
    Some(match form {
        Form::Vase => at(&[
            (0.0, 0.15),
            (0.2, 0.24),
            (0.48, 0.31),
            (0.70, 0.20),
            (0.86, 0.09),
            (0.94, 0.10),
            (1.0, 0.14),
        ]),
        Form::Mug => at(&[(0.0, 0.25), (0.06, 0.30), (0.4, 0.315), (0.78, 0.32)]),
        Form::Bowl => at(&[
            (0.0, 0.17),
            (0.05, 0.19),
            (0.2, 0.42),
            (0.36, 0.56),
            (0.52, 0.62),
        ]),
        Form::Bottle => at(&[
            (0.0, 0.17),
            (0.04, 0.19),
            (0.55, 0.19),
            (0.70, 0.13),
            (0.78, 0.06),
            (0.96, 0.055),
            (1.0, 0.07),
        ]),
        Form::Lamp => at(&[
            (0.0, 0.17),
            (0.05, 0.17),
            (0.14, 0.11),
            (0.28, 0.15),
            (0.42, 0.04),
            (0.455, 0.03),
            (0.46, 0.34),
            (1.0, 0.21),
        ]),
        Form::Candle => at(&[
            (0.0, 0.15),
            (0.82, 0.15),
            (0.86, 0.14),
            (0.868, 0.012),
            (0.92, 0.012),
            (0.94, 0.022),
            (1.0, 0.002),
        ]),
        Form::Jar => at(&[
            (0.0, 0.23),
            (0.05, 0.27),
            (0.5, 0.29),
            (0.78, 0.27),
            (0.83, 0.23),
            (0.84, 0.25),
            (0.93, 0.25),
            (0.95, 0.06),
            (1.0, 0.05),
        ]),
        Form::Cushion => return None,
    })
}

fn curve(points: &[(f32, f32)], at: f32) -> f32 {
    points
        .windows(2)
        .find(|pair| at <= pair[1].0)
        .map_or(0.1, |pair| {
            let share = smoothstep(0.0, 1.0, (at - pair[0].0) / (pair[1].0 - pair[0].0));
            pair[0].1 + (pair[1].1 - pair[0].1) * share
        })
}

fn gloss(form: Form) -> f32 {
    match form {
        Form::Bottle => 0.95,
        Form::Vase | Form::Mug | Form::Bowl => 0.55,
        Form::Jar => 0.4,
        _ => 0.08,
    }
}

/// How much of a pixel near the outline is covered: one pixel of softness.
fn edge(across: f32, half_width: f32) -> f32 {
    ((1.0 - across) * half_width / 1.5).clamp(0.0, 1.0)
}

fn light_spot(noise: Noise, i: u64, width: f32, height: f32) -> (f32, f32, f32, Colour) {
    let at = |k: u64| noise.unit(100 + i * 8 + k);
    let glow = mix([1.0, 0.84, 0.58], [0.86, 0.93, 1.0], at(4));
    (
        at(1) * width,
        at(2) * height * 0.6,
        height * (0.03 + 0.08 * at(3)),
        glow,
    )
}

fn unit(v: [f32; 3]) -> [f32; 3] {
    let length = (v[0] * v[0] + v[1] * v[1] + v[2] * v[2]).sqrt().max(1e-6);
    v.map(|part| part / length)
}

fn mix(a: Colour, b: Colour, share: f32) -> Colour {
    [0, 1, 2].map(|i| a[i] + (b[i] - a[i]) * share)
}

fn scale(colour: Colour, by: f32) -> Colour {
    colour.map(|channel| channel * by)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn small(seed: u64) -> RgbImage {
        render(&Scene {
            seed,
            width: 96,
            height: 72,
            form: Form::Vase,
            colour: [62, 108, 122],
            companions: true,
            turn: 0.0,
        })
    }

    #[test]
    fn the_same_scene_gives_the_same_pixels_and_another_seed_does_not() {
        assert_eq!(small(1), small(1));
        assert_ne!(small(1), small(2));
    }
}

//! Pictures: scaled, and between GIF, JPEG and PNG.
//!
//! A picture is small on its way and large in memory: whoever sends one can make it so on purpose. So what
//! a decoder may take is bounded before it takes it.

use std::io::Cursor;

use image::{DynamicImage, ImageFormat, ImageReader, Limits, imageops::FilterType};

use super::{
    Converted, ErrorCode, Failed,
    table::{Params, Row},
};

/// The most pixels of a side, of what comes and of what goes.
const SIDE_MAX: u32 = 8192;

/// The most pixels.
const PIXELS_MAX: u64 = 32 << 20;

/// The most octets that a decoder takes at once.
const MEMORY_MAX: u64 = 192 << 20;

/// What a picture is to become.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    row: &'static Row,
    width: Option<u32>,
    height: Option<u32>,
}

impl Wanted {
    /// As the parameters have it: PIX-X and PIX-Y; if it is only one of them, the picture keeps its shape.
    ///
    /// # Errors
    /// They are no numbers, or no sizes.
    pub(super) fn new(row: &'static Row, params: &Params<'_>) -> Result<Self, Failed> {
        let side = |name: &'static str| -> Result<Option<u32>, Failed> {
            let Some(value) = params.get(name) else {
                return Ok(None);
            };
            let value = std::str::from_utf8(value).ok();
            let value = value.and_then(|value| value.parse::<u32>().ok());
            let value = value.filter(|side| (1..=SIDE_MAX).contains(side));
            let why = "That is no size for a picture";
            value
                .map(Some)
                .ok_or_else(|| row.refuses(why, name, params))
        };
        Ok(Self {
            row,
            width: side("PIX-X")?,
            height: side("PIX-Y")?,
        })
    }

    /// Converts a picture.
    ///
    /// # Errors
    /// It is none, or too large.
    pub(super) fn convert(self, octets: &[u8]) -> Result<Converted, Failed> {
        let failed = |why| Failed {
            why,
            ..self.row.failed(ErrorCode::BadParameters)
        };
        let picture = decode(octets, format(self.row.from));
        let picture = picture.ok_or_else(|| failed("The picture can't be read"))?;
        let scaled = self.scale(picture);
        let scaled = scaled.ok_or_else(|| failed("The picture is too large"))?;
        let written = encode(scaled, format(self.row.to));
        let octets = written.ok_or_else(|| failed("The picture can't be written"))?;
        Ok(Converted {
            media_type: self.row.to,
            charset: None,
            octets,
        })
    }

    fn scale(self, picture: DynamicImage) -> Option<DynamicImage> {
        let (has_width, has_height) = (picture.width().max(1), picture.height().max(1));
        let in_shape = |side: u32, other: u32, of: u32| {
            let scaled = u64::from(side) * u64::from(other) / u64::from(of);
            u32::try_from(scaled.max(1)).unwrap_or(u32::MAX)
        };
        let (width, height) = match (self.width, self.height) {
            (None, None) => return Some(picture),
            (Some(width), Some(height)) => (width, height),
            (Some(width), None) => (width, in_shape(width, has_height, has_width)),
            (None, Some(height)) => (in_shape(height, has_width, has_height), height),
        };
        let fits = width <= SIDE_MAX && height <= SIDE_MAX;
        let fits = fits && u64::from(width) * u64::from(height) <= PIXELS_MAX;
        fits.then(|| picture.resize_exact(width, height, FilterType::Triangle))
    }
}

fn format(media_type: &str) -> ImageFormat {
    match media_type {
        "image/gif" => ImageFormat::Gif,
        "image/png" => ImageFormat::Png,
        _ => ImageFormat::Jpeg,
    }
}

fn decode(octets: &[u8], format: ImageFormat) -> Option<DynamicImage> {
    let size = ImageReader::with_format(Cursor::new(octets), format);
    let (width, height) = size.into_dimensions().ok()?;
    if u64::from(width) * u64::from(height) > PIXELS_MAX {
        return None;
    }
    let mut reader = ImageReader::with_format(Cursor::new(octets), format);
    let mut limits = Limits::default();
    limits.max_image_width = Some(SIDE_MAX);
    limits.max_image_height = Some(SIDE_MAX);
    limits.max_alloc = Some(MEMORY_MAX);
    reader.limits(limits);
    reader.decode().ok()
}

fn encode(picture: DynamicImage, format: ImageFormat) -> Option<Vec<u8>> {
    let picture = match format {
        // It knows no transparency.
        ImageFormat::Jpeg => DynamicImage::ImageRgb8(picture.into_rgb8()),
        _ => DynamicImage::ImageRgba8(picture.into_rgba8()),
    };
    let mut octets = Cursor::new(Vec::new());
    picture.write_to(&mut octets, format).ok()?;
    Some(octets.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imap::convert::table;

    fn picture(width: u32, height: u32, to: ImageFormat) -> Vec<u8> {
        encode(DynamicImage::new_rgb8(width, height), to).unwrap()
    }

    fn convert(
        octets: &[u8],
        (from, to): (&str, &str),
        params: &[(&str, &str)],
    ) -> Result<Converted, Failed> {
        let params: Vec<(String, Vec<u8>)> = params
            .iter()
            .map(|(name, value)| (name.to_string(), value.as_bytes().to_vec()))
            .collect();
        let row = table::matching(from, to).next().unwrap();
        Wanted::new(row, &Params::new(&params))?.convert(octets)
    }

    #[test]
    fn every_kind_becomes_every_other_and_is_scaled() {
        let kinds = ["image/gif", "image/jpeg", "image/png"];
        for from in kinds {
            let octets = picture(40, 20, format(from));
            for to in kinds {
                for (params, size) in [
                    (&[][..], (40, 20)),
                    (&[("PIX-X", "20"), ("PIX-Y", "30")], (20, 30)),
                    (&[("PIX-X", "10")], (10, 5)),
                    (&[("PIX-Y", "40")], (80, 40)),
                ] {
                    let converted = convert(&octets, (from, to), params).unwrap();
                    let again = decode(&converted.octets, format(to)).unwrap();
                    assert_eq!((again.width(), again.height()), size, "{from} {to}");
                }
            }
        }
    }

    #[test]
    fn what_is_no_picture_or_too_large_a_one_is_refused() {
        let (png, types) = (picture(4, 4, ImageFormat::Png), ("image/png", "image/png"));
        assert!(convert(&png[..20], types, &[]).is_err());
        assert!(convert(b"GIF89a", ("image/gif", "image/png"), &[]).is_err());
        for size in ["0", "-1", "x", "8193", "99999999999"] {
            assert!(convert(&png, types, &[("PIX-X", size)]).is_err(), "{size}");
        }
        let both = [("PIX-X", "8192"), ("PIX-Y", "8192")];
        assert!(convert(&png, types, &both).is_err());
        // A header that claims more than there is memory for.
        let mut bomb = picture(4, 4, ImageFormat::Gif);
        bomb[6..10].copy_from_slice(&[0xff; 4]);
        assert!(convert(&bomb, ("image/gif", "image/png"), &[]).is_err());
    }
}

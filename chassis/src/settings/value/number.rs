//! Booleans and numbers.

use serde_json::Value as Json;

use super::{SettingValue, plain};
use crate::settings::{
    input::Input,
    node::{Value, int_json},
    rules::Bound,
    shape::{Kind, Shape},
};

impl SettingValue for bool {
    plain!();

    fn read(input: &mut Input<'_>) -> Option<Self> {
        let read = match input.node.map(|node| (&node.value, &node.spelling)) {
            Some((Value::Bool(value), _)) => Some(*value),
            Some((Value::Raw(text), _)) => switch(text).or(match text.trim() {
                "1" => Some(true),
                "0" => Some(false),
                _ => None,
            }),
            // Text without quotes: what `yes` and `off` mean to YAML 1.1.
            Some((Value::Text(_), Some(spelling))) => switch(spelling),
            _ => None,
        };
        if read.is_none() {
            input.mismatch("`true` or `false`");
        }
        read
    }

    fn shape() -> Shape {
        Shape::boolean()
    }

    fn show(&self) -> Json {
        Json::Bool(*self)
    }
}

fn switch(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" => Some(true),
        "false" | "no" | "off" => Some(false),
        _ => None,
    }
}

/// Reads a whole number between the limits of its type, narrowed by the field's own.
fn read_int(input: &mut Input<'_>, type_min: i128, type_max: i128) -> Option<i128> {
    let min = input.rules.min.and_then(Bound::int).map_or(type_min, |min| min.max(type_min));
    let max = input.rules.max.and_then(Bound::int).map_or(type_max, |max| max.min(type_max));
    let (value, help) = match input.node.map(|node| &node.value) {
        Some(Value::Int(value)) => (Some(*value), None),
        Some(Value::Raw(text)) => (text.trim().parse().ok(), None),
        Some(Value::Text(text)) => {
            let is_number = text.trim().parse::<i128>().is_ok();
            (None, is_number.then(|| "take the quotes away".to_owned()))
        }
        _ => (None, None),
    };
    match value {
        Some(value) if (min..=max).contains(&value) => Some(value),
        _ => {
            input.mismatch_with(expected_int(min, max), help);
            None
        }
    }
}

/// What a whole number between these limits is called.
pub(crate) fn expected_int(min: i128, max: i128) -> String {
    // The limits of wide types are no help to anybody.
    let wide = [i32::MAX.into(), u32::MAX.into(), i64::MAX.into(), u64::MAX.into(), i128::MAX];
    let has_max = !wide.contains(&max);
    let has_min = ![i32::MIN.into(), i64::MIN.into(), i128::MIN].contains(&min);
    match (has_min, has_max) {
        (true, true) => format!("a whole number from {min} to {max}"),
        (true, false) => format!("a whole number, {min} or more"),
        (false, true) => format!("a whole number, at most {max}"),
        (false, false) => "a whole number".to_owned(),
    }
}

macro_rules! whole_numbers {
    ($($int:ty)*) => {$(
        impl SettingValue for $int {
            plain!();

            fn read(input: &mut Input<'_>) -> Option<Self> {
                let (min, max) = limits::<$int>();
                read_int(input, min, max).and_then(|value| <$int>::try_from(value).ok())
            }

            fn shape() -> Shape {
                let (min, max) = limits::<$int>();
                Shape::whole_number(min, max)
            }

            fn show(&self) -> Json {
                i128::try_from(*self).map_or(Json::Null, int_json)
            }
        }

        impl Limits for $int {
            const MIN: Self = <$int>::MIN;
            const MAX: Self = <$int>::MAX;
        }
    )*};
}

trait Limits: TryInto<i128> {
    const MIN: Self;
    const MAX: Self;
}

fn limits<T: Limits>() -> (i128, i128) {
    (T::MIN.try_into().unwrap_or(i128::MIN), T::MAX.try_into().unwrap_or(i128::MAX))
}

whole_numbers!(i8 i16 i32 i64 isize u8 u16 u32 u64 usize);

macro_rules! non_zero_numbers {
    ($($non_zero:ident $int:ty,)*) => {$(
        impl SettingValue for std::num::$non_zero {
            plain!();

            fn read(input: &mut Input<'_>) -> Option<Self> {
                read_int(input, 1, limits::<$int>().1).and_then(|value| Self::new(<$int>::try_from(value).ok()?))
            }

            fn shape() -> Shape {
                Shape::whole_number(1, limits::<$int>().1)
            }

            fn show(&self) -> Json {
                self.get().show()
            }
        }
    )*};
}

non_zero_numbers!(NonZeroU8 u8, NonZeroU16 u16, NonZeroU32 u32, NonZeroU64 u64, NonZeroUsize usize,);

fn read_float(input: &mut Input<'_>) -> Option<f64> {
    let min = input.rules.min.and_then(Bound::float);
    let max = input.rules.max.and_then(Bound::float);
    let value = match input.node.map(|node| &node.value) {
        Some(Value::Float(value)) => Some(*value),
        #[expect(clippy::cast_precision_loss, reason = "that is what writing it into a field of this type means")]
        Some(Value::Int(value)) => Some(*value as f64),
        Some(Value::Raw(text)) => text.trim().parse().ok(),
        _ => None,
    };
    let fits =
        |value: &f64| value.is_finite() && min.is_none_or(|min| *value >= min) && max.is_none_or(|max| *value <= max);
    let value = value.filter(fits);
    if value.is_none() {
        input.mismatch(match (min, max) {
            (Some(min), Some(max)) => format!("a number from {min} to {max}"),
            (Some(min), None) => format!("a number, {min} or more"),
            (None, Some(max)) => format!("a number, at most {max}"),
            (None, None) => "a number".to_owned(),
        });
    }
    value
}

impl SettingValue for f64 {
    plain!();

    fn read(input: &mut Input<'_>) -> Option<Self> {
        read_float(input)
    }

    fn shape() -> Shape {
        Shape(Kind::Float)
    }

    fn show(&self) -> Json {
        serde_json::Number::from_f64(*self).map_or(Json::Null, Json::Number)
    }
}

impl SettingValue for f32 {
    plain!();

    fn read(input: &mut Input<'_>) -> Option<Self> {
        #[expect(clippy::cast_possible_truncation, reason = "that is what declaring this type means")]
        read_float(input).map(|value| value as f32)
    }

    fn shape() -> Shape {
        Shape(Kind::Float)
    }

    fn show(&self) -> Json {
        // By its own shortest spelling: 0.1, not 0.10000000149011612.
        self.to_string().parse().map_or(Json::Null, Json::Number)
    }
}

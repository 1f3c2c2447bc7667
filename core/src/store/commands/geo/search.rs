//! The commands that look for places near another one.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::super::super::call::{Call, count};
use super::super::super::geohash::{Position, Search, Shape};
use super::super::super::kinds::{Kind, SortedSet};
use super::super::super::slot::Slot;
use super::super::super::stop::{SYNTAX, Stop};
use super::{distance_reply, number, position, position_reply, unit};
use crate::resp::Value;

/// Which command it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Radius { may_store: bool },
    RadiusByMember { may_store: bool },
    Search,
    SearchAndStore,
}

/// What is asked.
#[derive(Default)]
struct Request<'a> {
    /// Unknown also where a member names it and there is no source.
    center: Option<Position>,
    from: Option<NamedBy>,
    shape: Option<Shape>,
    /// Metres of the unit of distances.
    unit_m: f64,
    with: With,
    count: Option<usize>,
    /// Any places do, not just the nearest.
    any: bool,
    order: Option<Order>,
    destination: Option<&'a [u8]>,
    stores_distance: bool,
}

/// What names the centre of GEOSEARCH.
#[derive(Clone, Copy, PartialEq, Eq)]
enum NamedBy {
    Member,
    Coordinates,
}

/// What is told of each place, beside its member.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct With {
    distance: bool,
    hash: bool,
    position: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    Ascending,
    Descending,
}

/// A place that was found.
struct Found {
    member: Vec<u8>,
    score: f64,
    distance_m: f64,
}

/// Runs a command of this form.
pub(super) fn search(call: &mut Call<'_>, form: Form) -> Result<Value, Stop> {
    let source = if form == Form::SearchAndStore { call.arg(2) } else { call.arg(1) };
    let has_source = call.read::<SortedSet>(source)?.is_some();
    let request = request(call, form, source, has_source)?;
    check(call, form, &request)?;
    let search = match (request.center, request.shape) {
        (Some(center), Some(shape)) if has_source => Search { center, shape },
        _ => return Ok(nothing(call, &request)),
    };
    let found = find(call, source, &search, &request);
    if let Some(destination) = request.destination {
        return Ok(store(call, destination, &found, &request));
    }
    Ok(Value::Array(found.iter().map(|found| reply(call, found, &request)).collect()))
}

fn request<'a>(
    call: &mut Call<'a>,
    form: Form,
    source: &[u8],
    has_source: bool,
) -> Result<Request<'a>, Stop> {
    let mut request = Request { unit_m: 1.0, ..Request::default() };
    let mut at = match form {
        Form::Radius { .. } => {
            request.center = Some(position(call, 2)?);
            set_circle(call, 4, &mut request)?;
            6
        }
        Form::RadiusByMember { .. } => {
            // Without a source the distance is not even looked at.
            if has_source {
                request.center = Some(member_position(call, source, call.arg(2))?);
                set_circle(call, 3, &mut request)?;
            }
            5
        }
        Form::Search => 2,
        Form::SearchAndStore => {
            request.destination = Some(call.arg(1));
            3
        }
    };
    while at < call.args.len() {
        at += option(call, form, at, &mut request, source, has_source)?;
    }
    // Without ANY, fewer places than there are must be the nearest.
    if request.count.is_some() && request.order.is_none() && !request.any {
        request.order = Some(Order::Ascending);
    }
    Ok(request)
}

/// Takes an option; how many arguments it has, itself included.
fn option<'a>(
    call: &mut Call<'a>,
    form: Form,
    at: usize,
    request: &mut Request<'a>,
    source: &[u8],
    has_source: bool,
) -> Result<usize, Stop> {
    let left = call.args.len() - at - 1;
    let is_search = matches!(form, Form::Search | Form::SearchAndStore);
    let may_store =
        matches!(form, Form::Radius { may_store: true } | Form::RadiusByMember { may_store: true });
    match call.option(at).as_slice() {
        b"WITHDIST" => request.with.distance = true,
        b"WITHHASH" => request.with.hash = true,
        b"WITHCOORD" => request.with.position = true,
        b"ANY" => request.any = true,
        b"ASC" => request.order = Some(Order::Ascending),
        b"DESC" => request.order = Some(Order::Descending),
        b"COUNT" if left >= 1 => {
            let count = usize::try_from(call.integer(at + 1)?).ok().filter(|count| *count > 0);
            request.count = Some(count.ok_or("ERR COUNT must be > 0")?);
            return Ok(2);
        }
        name @ (b"STORE" | b"STOREDIST") if left >= 1 && may_store => {
            request.destination = Some(call.arg(at + 1));
            request.stores_distance = name == b"STOREDIST";
            return Ok(2);
        }
        b"STOREDIST" if form == Form::SearchAndStore => request.stores_distance = true,
        b"FROMMEMBER" if left >= 1 && is_search && request.from != Some(NamedBy::Coordinates) => {
            if has_source {
                request.center = Some(member_position(call, source, call.arg(at + 1))?);
            }
            request.from = Some(NamedBy::Member);
            return Ok(2);
        }
        b"FROMLONLAT" if left >= 2 && is_search && request.from != Some(NamedBy::Member) => {
            request.center = Some(position(call, at + 1)?);
            request.from = Some(NamedBy::Coordinates);
            return Ok(3);
        }
        b"BYRADIUS"
            if left >= 2 && is_search && !matches!(request.shape, Some(Shape::Box { .. })) =>
        {
            set_circle(call, at + 1, request)?;
            return Ok(3);
        }
        b"BYBOX"
            if left >= 3 && is_search && !matches!(request.shape, Some(Shape::Circle { .. })) =>
        {
            set_box(call, at + 1, request)?;
            return Ok(4);
        }
        _ => return Err(SYNTAX.into()),
    }
    Ok(1)
}

/// Takes a radius and its unit.
fn set_circle(call: &Call<'_>, at: usize, request: &mut Request<'_>) -> Result<(), Stop> {
    let radius = number(call, at).map_err(|_| "ERR need numeric radius")?;
    if radius < 0.0 {
        return Err("ERR radius cannot be negative".into());
    }
    request.unit_m = unit(call, at + 1)?;
    request.shape = Some(Shape::Circle { radius: radius * request.unit_m });
    Ok(())
}

/// Takes a width, a height and their unit.
fn set_box(call: &Call<'_>, at: usize, request: &mut Request<'_>) -> Result<(), Stop> {
    let width = number(call, at).map_err(|_| "ERR need numeric width")?;
    let height = number(call, at + 1).map_err(|_| "ERR need numeric height")?;
    if width < 0.0 || height < 0.0 {
        return Err("ERR height or width cannot be negative".into());
    }
    request.unit_m = unit(call, at + 2)?;
    let (width, height) = (width * request.unit_m, height * request.unit_m);
    request.shape = Some(Shape::Box { width, height });
    Ok(())
}

fn member_position(call: &mut Call<'_>, key: &[u8], member: &[u8]) -> Result<Position, Stop> {
    let score = sorted_set(call, key).and_then(|set| set.score(member));
    let score = score.ok_or("ERR could not decode requested zset member")?;
    Ok(Position::of_score(score))
}

/// What options must and must not come together, in the order that Redis looks.
fn check(call: &Call<'_>, form: Form, request: &Request<'_>) -> Result<(), Stop> {
    if request.destination.is_some() && request.with != With::default() {
        let name = match form {
            Form::SearchAndStore => "GEOSEARCHSTORE",
            Form::Radius { .. } | Form::RadiusByMember { .. } | Form::Search => {
                "STORE option in GEORADIUS"
            }
        };
        return Err(format!(
            "ERR {name} is not compatible with WITHDIST, WITHHASH and WITHCOORD options"
        )
        .into());
    }
    let name = String::from_utf8_lossy(call.arg(0));
    if matches!(form, Form::Search | Form::SearchAndStore) {
        if request.from.is_none() {
            let what = "exactly one of FROMMEMBER or FROMLONLAT";
            return Err(format!("ERR {what} can be specified for {name}").into());
        }
        if request.shape.is_none() {
            let what = "exactly one of BYRADIUS and BYBOX";
            return Err(format!("ERR {what} can be specified for {name}").into());
        }
    }
    if request.any && request.count.is_none() {
        return Err("ERR the ANY argument requires COUNT argument".into());
    }
    Ok(())
}

/// A sorted set whose type was checked, its use not noted again.
fn sorted_set<'c>(call: &'c mut Call<'_>, key: &[u8]) -> Option<&'c SortedSet> {
    match call.slot(key)? {
        Slot::Object(object) => SortedSet::of(&object.data),
        Slot::Packed(_) => None,
    }
}

fn find(call: &mut Call<'_>, source: &[u8], search: &Search, request: &Request<'_>) -> Vec<Found> {
    let enough = if request.any { request.count } else { None };
    let enough = enough.unwrap_or(usize::MAX);
    let mut found = Vec::new();
    let Some(set) = sorted_set(call, source) else {
        return found;
    };
    for (first, end) in search.areas() {
        for (member, score) in set.range_by_score(first, end) {
            if found.len() >= enough {
                break;
            }
            if score >= end {
                continue;
            }
            if let Some(distance_m) = search.distance_m(Position::of_score(score)) {
                found.push(Found { member: member.to_vec(), score, distance_m });
            }
        }
    }
    let ascending = |a: &Found, b: &Found| a.distance_m.total_cmp(&b.distance_m);
    match request.order {
        Some(Order::Ascending) => found.sort_by(ascending),
        Some(Order::Descending) => found.sort_by(|a, b| ascending(b, a)),
        None => {}
    }
    found.truncate(request.count.unwrap_or(usize::MAX));
    found
}

/// The answer where there is no source.
fn nothing(call: &mut Call<'_>, request: &Request<'_>) -> Value {
    match request.destination {
        Some(destination) => store(call, destination, &[], request),
        None => Value::Array(Vec::new()),
    }
}

fn store(call: &mut Call<'_>, destination: &[u8], found: &[Found], request: &Request<'_>) -> Value {
    let mut set = SortedSet::new(call.seed());
    for Found { member, score, distance_m } in found {
        let distance = distance_m / request.unit_m;
        set.insert(member, if request.stores_distance { distance } else { *score });
    }
    if !set.is_empty() {
        call.insert(destination, set.into_data(), None);
        call.replaced(destination);
    } else if call.remove(destination) {
        call.replaced(destination);
    } else {
        call.forgotten(destination);
    }
    count(found.len())
}

fn reply(call: &Call<'_>, found: &Found, request: &Request<'_>) -> Value {
    let member = Value::bulk(&*found.member);
    if request.with == With::default() {
        return member;
    }
    let mut parts = Vec::from([member]);
    if request.with.distance {
        parts.push(distance_reply(found.distance_m / request.unit_m));
    }
    if request.with.hash {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "casts saturate, and scores are whole"
        )]
        parts.push(Value::Integer(found.score as i64));
    }
    if request.with.position {
        parts.push(position_reply(call, Position::of_score(found.score)));
    }
    Value::Array(parts)
}

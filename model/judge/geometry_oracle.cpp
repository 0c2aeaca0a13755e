#include "model/judge/geometry_oracle.hpp"

#include "model/program/layout.hpp"

namespace slabproof {
namespace {

/// The named error of G1, or none, in the order that geometry.hpp documents.
std::optional<slab::GeometryError> expected_error(const GeometryQuery& q, bool has_table) {
  constexpr auto power_of_two = [](Wide n) {
    for (Wide power = 1; power <= n; power *= 2)
      if (power == n) return true;
    return false;
  };
  using enum slab::GeometryError;
  if (!power_of_two(q.page_size)) return PageSizeNotPowerOfTwo;
  if (q.page_size < 64) return PageSizeTooSmall;
  if (!power_of_two(q.slab_size)) return SlabSizeNotPowerOfTwo;
  if (q.slab_size < q.page_size) return SlabSizeBelowPageSize;
  if (q.slab_size > 1u << 30) return SlabSizeTooLarge;
  if (q.type > 1) return UnknownObjectSizeType;
  if (q.object_size == 0) return ObjectSizeZero;
  if (!power_of_two(q.object_align)) return ObjectAlignNotPowerOfTwo;
  if (q.object_align > q.page_size) return ObjectAlignAbovePageSize;
  if (!fits(1, has_table ? 1 : 0, stride_of(q.object_size, q.object_align), q.slab_size,
            static_cast<slab::ObjectSizeType>(q.type)))
    return ObjectTooLarge;
  return std::nullopt;
}

std::optional<Violation> judge(const GeometryQuery& q, MakeGeometry make, bool has_table) {
  const auto type = static_cast<slab::ObjectSizeType>(q.type);
  const slab::GeometryResult actual = make(q.slab_size, q.page_size, type, q.object_size, q.object_align);
  const auto error = expected_error(q, has_table);
  if (error || !actual.ok()) {
    if (error && !actual.ok() && *error == actual.error()) return std::nullopt;
    const slab::GeometryError cause = error ? *error : actual.error();
    return Violation{cause == slab::GeometryError::ObjectTooLarge ? Invariant::G5 : Invariant::G1, Cause::WrongError,
                     error ? slab::to_string(*error) : "a geometry",
                     actual.ok() ? "a geometry" : slab::to_string(actual.error())};
  }
  const slab::Geometry& geometry = actual.value();
  const Layout expected = layout_of(has_table, q.slab_size, type, q.object_size, q.object_align);
  const auto differs = [](Invariant invariant, Cause what, const char* name, std::uint64_t wanted,
                          std::uint64_t observed) {
    return Violation{invariant, what, std::string{name} + " " + std::to_string(wanted), std::to_string(observed)};
  };
  const Invariant capacity = type == slab::ObjectSizeType::Small ? Invariant::G3 : Invariant::G4;
  if (geometry.stride() != expected.stride)
    return differs(Invariant::G6, Cause::WrongStride, "stride", expected.stride, geometry.stride());
  if (geometry.objects_per_slab() != expected.objects_per_slab)
    return differs(capacity, Cause::WrongCapacity, "objects_per_slab", expected.objects_per_slab,
                   geometry.objects_per_slab());
  if (geometry.entry_size() != expected.entry_size)
    return differs(Invariant::G3, Cause::WrongSlabInfo, "entry_size", expected.entry_size, geometry.entry_size());
  if (geometry.slab_info_size() != expected.slab_info_size)
    return differs(Invariant::G3, Cause::WrongSlabInfo, "slab_info_size", expected.slab_info_size,
                   geometry.slab_info_size());
  if (geometry.slab_info_offset() != expected.slab_info_offset)
    return differs(Invariant::G3, Cause::WrongSlabInfo, "slab_info_offset", expected.slab_info_offset,
                   geometry.slab_info_offset());
  if (geometry.slab_size() != q.slab_size || geometry.page_size() != q.page_size ||
      geometry.object_size() != q.object_size || geometry.object_align() != q.object_align)
    return Violation{Invariant::G1, Cause::OtherArguments, "the numbers it was made from", "others"};
  return std::nullopt;
}

}  // namespace

GeometryQuery decode_geometry(std::span<const std::uint8_t> bytes) {
  std::size_t at = 0;
  const auto byte = [&] { return at < bytes.size() ? bytes[at++] : std::uint8_t{0}; };
  const auto size = [&] {
    const std::uint8_t how = byte();
    std::uint64_t raw = 0;
    for (int i = 0; i < 8; ++i) raw |= std::uint64_t{byte()} << 8 * i;
    if (how % 2 == 0) return raw;
    const std::uint64_t power = std::uint64_t{1} << (raw & 63);
    return how % 4 == 1 ? power : power + (raw >> 8 & 255) - 128;
  };
  GeometryQuery query;
  query.slab_size = size();
  query.page_size = size();
  query.type = byte();
  if (query.type >= 4) query.type &= 1;  // mostly one that exists
  query.object_size = size();
  query.object_align = size();
  return query;
}

std::string to_text(const GeometryQuery& query) {
  return "geometry slab_size=" + std::to_string(query.slab_size) + " page_size=" + std::to_string(query.page_size) +
         " type=" +
         (query.type == 0   ? "Small"
          : query.type == 1 ? "Large"
                            : std::to_string(query.type)) +
         " object_size=" + std::to_string(query.object_size) + " object_align=" + std::to_string(query.object_align);
}

std::optional<Violation> judge_geometry(const GeometryQuery& query, MakeGeometry make, MakeGeometry make_unchecked) {
  if (const auto violation = judge(query, make, true)) return violation;
  return judge(query, make_unchecked, false);
}

}  // namespace slabproof

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include <slab/geometry.hpp>
#include <slab/policy.hpp>

#include "model/judge/expectation.hpp"
#include "model/judge/verdict.hpp"

namespace slabproof {

/// The arguments of a Geometry::make.
struct GeometryQuery {
  std::uint64_t slab_size = 0, page_size = 0;
  std::uint8_t type = 0;
  std::uint64_t object_size = 0, object_align = 0;

  friend bool operator==(const GeometryQuery&, const GeometryQuery&) = default;
};

/// A query from any bytes; missing ones are zeros. Each of the four sizes takes nine: one that says how to read the
/// others (even: as they stand; odd: as a power of two, give or take a little), and eight.
GeometryQuery decode_geometry(std::span<const std::uint8_t> bytes);
constexpr std::size_t geometry_query_size = 37;

std::string to_text(const GeometryQuery& query);

using MakeGeometry = slab::GeometryResult (*)(std::size_t slab_size, std::size_t page_size, slab::ObjectSizeType type,
                                              std::size_t object_size, std::size_t object_align) noexcept;

/// What must come of every call of Geometry::make, for whoever dies or hangs in it.
constexpr Expectation answer_in_constant_time{Invariant::G13, Cause::None,
                                              "an answer in constant time, from sizes computed without overflow"};

/// What is wrong with the result of `make`, by the invariants G1, G3 to G6 computed in wide integers; nothing if all is
/// well. Then the same for Geometry::make<Unchecked>.
std::optional<Violation> judge_geometry(const GeometryQuery& query, MakeGeometry make = slab::Geometry::make,
                                        MakeGeometry make_unchecked = slab::Geometry::make<slab::Unchecked>);

}  // namespace slabproof

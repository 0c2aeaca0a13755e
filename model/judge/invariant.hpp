#pragma once

#include <cstdint>
#include <string>

namespace slabproof {

/// The rows of docs/invariants.md, which says of each what must hold and where that is checked. An enumerator's name is
/// the id there; its value is the id's letter and number.
enum class Invariant : std::uint16_t {
  None,  // nothing in particular
  G1 = 'G' << 8 | 1,
  G2,
  G3,
  G4,
  G5,
  G6,
  G7,
  G8,
  G9,
  G10,
  G11,
  G12,
  G13,
  G14,
  B1 = 'B' << 8 | 1,
  B2,
  B3,
  B4,
  B5,
  B6,
  B7,
  B8,
  B9,
  B10,
  B11,
  B12,
  B13,
  B14,
  B15,
  B16,
  B17,
  B18,
  B19,
  B20,
  L1 = 'L' << 8 | 1,
  L2,
  L3,
  L4,
  L5,
  L6,
  L7,
  L8,
  L9,
  L10,
  L11,
  L12,
  L13,
  S1 = 'S' << 8 | 1,
  S2,
  S3,
  M1 = 'M' << 8 | 1,
  M2,
  M3,
  M4,
  M5,
  M6,
  M7,
  M8,
  M9,
  M10,
  M11,
  M12,
  M13,
  M14,
  M15,
  M16,
  M17,
  H1 = 'H' << 8 | 1,  // any allocator
  H2,
  H3,
  H4,
  H5,
  H6,
  H7,
  H8,
  H9,
  R1 = 'R' << 8 | 1,  // slab::hosted
  R2,
  R3,
  R4,
  R5,
  R6,
  R7,
  R8,
  K1 = 'K' << 8 | 1,  // slab::Locked
  K2,
  K3,
  K4,
  K5,
  K6,
  K7,
  K8,
  K9,
  K10,
  K11,
  T1 = 'T' << 8 | 1,
  T2,
  T3,
  OfAudit = 'A' << 8,  // L1 to L3 and L8 to L12, as long as audit() has not said which of them
};

/// The letter that an id begins with, such as 'M' for misuse.
constexpr char family_of(Invariant invariant) { return static_cast<char>(static_cast<unsigned>(invariant) >> 8); }

/// The id, such as "B8"; empty for None.
inline std::string to_string(Invariant invariant) {
  if (invariant == Invariant::None) return "";
  if (invariant == Invariant::OfAudit) return "L1 to L3, L8 to L12";
  return family_of(invariant) + std::to_string(static_cast<unsigned>(invariant) & 0xFF);
}

}  // namespace slabproof

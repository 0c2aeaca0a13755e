#pragma once

#include <cstddef>
#include <cstdint>

#include "model/program/byte_format.hpp"
#include "model/program/setup.hpp"
#include "model/program/symbolic_state.hpp"

namespace slabproof {

/// Decodes the byte form of programs (model/program/byte_format.hpp) without building a Program, as codec.hpp does.
/// Every byte string is a program; missing bytes are zeros.
/// Yields one single operation at a time, bursts expanded, and never one that does not apply to
/// state(). Allocates nothing and needs no library: a kernel can run it.
class Decoder {
 public:
  /// `data` must outlive the decoder.
  Decoder(const std::uint8_t* data, std::size_t size, const Language& language = slab_language);

  [[nodiscard]] const Setup& setup() const { return setup_; }
  [[nodiscard]] const SymbolicState& state() const { return state_; }

  /// The next operation, or false at the end: of the bytes, or after Limits::max_operations.
  [[nodiscard]] bool next(Operation& operation);

 private:
  enum class Order : std::uint8_t { Fifo, Lifo, Shuffled };

  [[nodiscard]] std::uint8_t byte(std::size_t index) const { return index < size_ ? data_[index] : 0; }
  [[nodiscard]] format::Record record() const;
  [[nodiscard]] bool decode_record(Operation& operation);
  [[nodiscard]] bool next_of_burst(Operation& operation);
  [[nodiscard]] bool make(OperationKind kind, const format::Record& record, Operation& operation);

  const std::uint8_t* data_;
  std::size_t size_;
  Language language_;
  std::size_t position_ = format::header_size;
  std::uint32_t yielded_ = 0;
  Setup setup_;
  SymbolicState state_;

  // The burst that is being expanded.
  unsigned burst_left_ = 0;
  OperationKind burst_kind_ = OperationKind::Alloc;
  std::uint8_t burst_cache_ = 0;
  Order burst_order_ = Order::Fifo;
  std::uint32_t shuffle_ = 0;

  // What the operation of the next record has for a size.
  format::Record exact_size_;
  bool has_exact_size_ = false;
};

/// Decodes a header. Total: any 24 bytes, or fewer, are a setup.
Setup decode_setup(const std::uint8_t* data, std::size_t size, const Language& language = slab_language);

}  // namespace slabproof

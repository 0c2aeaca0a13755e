#include "fuzz/targets/mutator.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "model/program/decoder.hpp"

namespace slabproof {
namespace {

constexpr std::size_t header_size = Decoder::header_size;
constexpr std::size_t record_size = Decoder::record_size;
constexpr std::size_t row_at = 8;
constexpr std::size_t longest_run = 64;  // records that one mutation inserts, copies or deletes

/// An opcode of each meaning but the two that do nothing when they are run.
struct Opcodes {
  std::array<std::uint8_t, operation_kinds + 2> bytes{};
  std::size_t count = 0;

  Opcodes() {
    for (unsigned byte = 0; byte < 256; ++byte) {
      const Opcode opcode = opcode_at(static_cast<std::uint8_t>(byte));
      const Opcode before = byte == 0 ? Opcode{} : opcode_at(static_cast<std::uint8_t>(byte - 1));
      const bool does_nothing = opcode.kind == OpcodeKind::Unassigned || opcode.kind == OpcodeKind::SkipOrdinals;
      if (!does_nothing && (opcode.kind != before.kind || opcode.operation != before.operation) && count < bytes.size())
        bytes[count++] = static_cast<std::uint8_t>(byte);
    }
  }
};

/// The records of a program, to be changed in place.
class Records {
 public:
  /// Makes the header whole and the last record, with the zeros that missing bytes stand for. Requires
  /// room for both.
  Records(std::uint8_t* data, std::size_t size, std::size_t max_size)
      : data_{data},
        count_{size <= header_size ? 0 : (size - header_size + record_size - 1) / record_size},
        room_{(max_size - header_size) / record_size} {
    if (count_ > room_) count_ = room_;
    if (size < this->size()) std::memset(data + size, 0, this->size() - size);
  }

  [[nodiscard]] std::size_t count() const { return count_; }
  [[nodiscard]] std::size_t room() const { return room_ - count_; }
  [[nodiscard]] std::size_t size() const { return header_size + count_ * record_size; }
  [[nodiscard]] std::uint8_t* at(std::size_t index) const { return data_ + header_size + index * record_size; }
  [[nodiscard]] std::uint8_t* header() const { return data_; }

  /// Makes room for `n` records at `index`, with what was there before in them.
  void open(std::size_t index, std::size_t n) {
    std::memmove(at(index + n), at(index), (count_ - index) * record_size);
    count_ += n;
  }
  void close(std::size_t index, std::size_t n) {
    std::memmove(at(index), at(index + n), (count_ - index - n) * record_size);
    count_ -= n;
  }

 private:
  std::uint8_t* data_;
  std::size_t count_, room_;
};

/// Mostly short, at most `limit`, which is not 0.
std::size_t run_length(SplitMix& random, std::size_t limit) {
  std::size_t length = 1;
  if (random.below(8) == 0)
    length += random.below(longest_run);
  else
    while (random.below(2) == 0) ++length;
  return std::min({length, limit, longest_run});
}

std::uint8_t random_opcode(SplitMix& random, const std::uint8_t* header) {
  static const Opcodes opcodes;
  const unsigned absent = header[1] | static_cast<unsigned>(header[2]) << 8;  // the swarm mask
  std::uint8_t byte = 0;
  // As often as the format has it, or each as often as any other; not one that the program does without.
  for (int tries = 0; tries < 8; ++tries) {
    byte = random.below(2) ? random.byte() : opcodes.bytes[random.below(opcodes.count)];
    const Opcode opcode = opcode_at(byte);
    if (opcode.kind != OpcodeKind::Unassigned && (absent >> (static_cast<unsigned>(opcode.operation) % 16) & 1) == 0)
      break;
  }
  return byte;
}

std::uint8_t random_selector(SplitMix& random) {
  return random.below(2) ? random.byte() : static_cast<std::uint8_t>(random.below(4));
}

void put_operand(std::uint8_t* record, std::size_t operand) {
  record[2] = static_cast<std::uint8_t>(operand & 0xFF);
  record[3] = static_cast<std::uint8_t>(operand >> 8 & 0xFF);
}

std::size_t random_operand(std::uint8_t opcode, SplitMix& random) {
  // A reserve of hundreds takes as long as hundreds of programs and shows little that one of a few does not.
  if (opcode_at(opcode).operation == OperationKind::Reserve && random.below(16) != 0) return random.below(16);
  switch (random.below(4)) {
    case 0: return random.below(0x10000);
    case 1: return random.below(256);
    default: return random.below(8);
  }
}

void put_random_record(std::uint8_t* record, SplitMix& random, const std::uint8_t* header) {
  record[0] = random_opcode(random, header);
  record[1] = random_selector(random);
  put_operand(record, random_operand(record[0], random));
}

void mutate_operand(std::uint8_t* record, SplitMix& random) {
  const std::size_t operand = record[2] | static_cast<std::size_t>(record[3]) << 8;
  switch (random.below(4)) {
    case 0: return put_operand(record, operand + 1 + random.below(4));
    case 1: return put_operand(record, operand - 1 - random.below(4));
    case 2: return put_operand(record, operand ^ std::size_t{1} << random.below(16));
    default: return put_operand(record, random_operand(record[0], random));
  }
}

void mutate_header(std::uint8_t* header, SplitMix& random) {
  constexpr std::size_t cache_size = 8;
  std::uint8_t* const first = header + row_at;
  std::uint8_t& byte = header[random.below(header_size)];
  switch (random.below(4)) {
    case 0: header[0] = static_cast<std::uint8_t>(random.below(4)); break;    // one or two caches and backends
    case 1: std::copy(first, first + cache_size, first + cache_size); break;  // two caches of one geometry
    case 2: byte ^= static_cast<std::uint8_t>(1 << random.below(8)); break;
    default: byte = random.byte(); break;
  }
}

void set_row(std::uint8_t* header, slab::Row row) {
  while (header[row_at] % 3 != static_cast<unsigned>(row)) ++header[row_at];
}

}  // namespace

Mutation draw_mutation(SplitMix& random) {
  using enum Mutation;
  constexpr Mutation table[] = {Insert, Insert, Insert,   Insert,  Delete,  Delete, Duplicate, Duplicate,
                                Swap,   Opcode, Selector, Operand, Operand, Header, Header,    Bytes};
  return table[random.below(std::size(table))];
}

std::size_t apply_mutation(Mutation mutation, std::uint8_t* data, std::size_t size, std::size_t max_size,
                           SplitMix& random, MutateBytes mutate_bytes) {
  if (mutation == Mutation::Bytes) return mutate_bytes(data, size, max_size);
  if (max_size < header_size) return 0;
  Records records{data, size, max_size};
  const std::size_t count = records.count();
  if (count == 0 && mutation != Mutation::Insert && mutation != Mutation::Header) return 0;
  switch (mutation) {
    case Mutation::Insert: {
      if (records.room() == 0) return 0;
      const std::size_t n = run_length(random, std::min<std::size_t>(records.room(), 8)),
                        index = random.below(count + 1);
      records.open(index, n);
      for (std::size_t i = 0; i < n; ++i) put_random_record(records.at(index + i), random, data);
      break;
    }
    case Mutation::Delete: {
      const std::size_t n = run_length(random, count);
      records.close(random.below(count - n + 1), n);
      break;
    }
    case Mutation::Duplicate: {
      if (records.room() == 0) return 0;
      const std::size_t n = run_length(random, std::min(count, records.room()));
      std::array<std::uint8_t, longest_run * record_size> copy;
      std::memcpy(copy.data(), records.at(random.below(count - n + 1)), n * record_size);
      const std::size_t index = random.below(count + 1);
      records.open(index, n);
      std::memcpy(records.at(index), copy.data(), n * record_size);
      break;
    }
    case Mutation::Swap: {
      const std::size_t one = random.below(count), other = random.below(count);
      if (one == other) return 0;
      std::swap_ranges(records.at(one), records.at(one) + record_size, records.at(other));
      break;
    }
    case Mutation::Opcode: records.at(random.below(count))[0] = random_opcode(random, data); break;
    case Mutation::Selector: records.at(random.below(count))[1] = random_selector(random); break;
    case Mutation::Operand: mutate_operand(records.at(random.below(count)), random); break;
    case Mutation::Header: mutate_header(records.header(), random); break;
    case Mutation::Bytes: break;
  }
  return records.size();
}

std::size_t mutate_program(std::uint8_t* data, std::size_t size, std::size_t max_size, std::uint32_t seed,
                           slab::Row row, MutateBytes mutate_bytes) {
  SplitMix random{seed};
  for (std::size_t left = 1 + random.below(3); left > 0; --left)
    if (const std::size_t mutated = apply_mutation(draw_mutation(random), data, size, max_size, random, mutate_bytes))
      size = mutated;
  if (size <= row_at && max_size > row_at && row != slab::Row::SmallSinglePage) {
    std::memset(data + size, 0, row_at + 1 - size);
    size = row_at + 1;
  }
  if (size > row_at) set_row(data, row);
  return size;
}

}  // namespace slabproof

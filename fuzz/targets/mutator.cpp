#include "fuzz/targets/mutator.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "model/program/byte_format.hpp"
#include "model/program/decoder.hpp"
#include "model/program/layout.hpp"

namespace slabproof {
namespace {

using format::header_size, format::record_size, format::Record;

constexpr std::size_t first_row_at = format::cache_at(0) + format::row_at;
constexpr std::size_t longest_run = 64;  // records that one mutation inserts, copies or deletes

/// An opcode of each operation, and of each burst.
constexpr auto one_opcode_each = [] {
  std::array<std::uint8_t, operation_kinds + 2> opcodes{format::alloc_burst.range.first,
                                                        format::free_burst.range.first};
  std::size_t count = 2;
  for (const OperationFacts& facts : operation_table.facts) opcodes[count++] = facts.opcodes.first;
  std::sort(opcodes.begin(), opcodes.end());
  return opcodes;
}();

/// The records of a program, to be changed in place.
class Records {
 public:
  /// Completes the header and the last record with the zeros that missing bytes stand for. Requires room for both.
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

  /// Makes room for `n` records at `index`; their contents are those that were there before.
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

std::uint8_t random_opcode(SplitMix& random, const std::uint8_t* header, const Language& language) {
  const format::Swarm swarm = format::Swarm::of(header);
  std::uint8_t byte = 0;
  // Drawn as often as the format has it, or uniformly; never one that the program's mask excludes.
  for (int tries = 0; tries < 8; ++tries) {
    byte = random.below(2) ? random.byte() : one_opcode_each[random.below(one_opcode_each.size())];
    const Opcode opcode = opcode_of(byte, language);
    if (opcode.kind != OpcodeKind::Unassigned && !swarm.keeps_out(opcode.operation)) break;
  }
  return byte;
}

std::uint8_t random_selector(SplitMix& random) {
  return random.below(2) ? random.byte() : static_cast<std::uint8_t>(random.below(4));
}

std::uint16_t random_operand(std::uint8_t opcode, SplitMix& random) {
  // A reserve of hundreds of objects takes as long as hundreds of programs and shows little that one of a few does not.
  const bool counts_objects = parameter_of(opcode_of(opcode).operation) == Parameter::ObjectCount;
  if (counts_objects && random.below(16) != 0) return static_cast<std::uint16_t>(random.below(16));
  const std::size_t ends[] = {0x10000, 256, 8, 8};
  return static_cast<std::uint16_t>(random.below(ends[random.below(std::size(ends))]));
}

void put_random_record(std::uint8_t* record, SplitMix& random, const std::uint8_t* header, const Language& language) {
  const std::uint8_t opcode = random_opcode(random, header, language), selector = random_selector(random);
  Record{opcode, selector, random_operand(opcode, random)}.put(record);
}

void mutate_operand(std::uint8_t* bytes, SplitMix& random) {
  Record record = Record::at(bytes);
  const std::size_t operand = record.operand;
  const auto change = [&]() -> std::size_t {
    switch (random.below(4)) {
      case 0: return operand + 1 + random.below(4);
      case 1: return operand - 1 - random.below(4);
      case 2: return operand ^ std::size_t{1} << random.below(16);
      default: return random_operand(record.opcode, random);
    }
  };
  record.operand = static_cast<std::uint16_t>(change() & 0xFFFF);
  record.put(bytes);
}

/// Gives a cache the largest object of which some count fits into a slab, or one byte more: where the count changes.
void put_size_at_border(std::uint8_t* header, std::size_t index, SplitMix& random) {
  const Setup setup = decode_setup(header, header_size);
  if (index >= setup.cache_count || setup.caches[index].is_static) return;
  const std::uint32_t size = largest_object(setup.caches[index], 1 + random.below(8));
  if (size == 0) return;
  std::uint8_t* const cache = header + format::cache_at(index);
  cache[format::objects_at] &= 0xFE;
  const std::size_t less_one = size - 1 + random.below(2);
  for (std::size_t i = 0; i < 3; ++i) cache[format::object_size_at + i] = static_cast<std::uint8_t>(less_one >> 8 * i);
}

void mutate_header(std::uint8_t* header, SplitMix& random, const Language& language) {
  std::uint8_t* const first = header + format::cache_at(0);
  std::uint8_t& byte = header[random.below(header_size)];
  switch (random.below(7)) {
    case 0: header[format::shape_at] = static_cast<std::uint8_t>(random.below(4)); break;
    case 1: std::copy(first, first + format::cache_size, header + format::cache_at(1)); break;  // of one geometry
    case 2: byte ^= static_cast<std::uint8_t>(1 << random.below(8)); break;
    case 3:
    case 4:
      if (language.shape == Shape::SlabCache) put_size_at_border(header, random.below(2), random);
      break;
    case 5:
      if (language.shape == Shape::SlabCache)
        header[format::cache_at(random.below(2)) + format::options_at] =
            format::guarded_options[random.below(std::size(format::guarded_options))].byte;
      break;
    default: byte = random.byte(); break;
  }
}

/// A new program in place of what there was: any header, and as many operations as most inputs have.
std::size_t draw_program(std::uint8_t* data, std::size_t max_size, SplitMix& random, const Language& language) {
  if (max_size < header_size + record_size) return 0;
  std::generate_n(data, header_size, [&random] { return random.byte(); });
  if (random.below(4) != 0) data[format::swarm_at] = data[format::swarm_at + 1] = 0;  // every operation
  Records records{data, header_size, max_size};
  records.open(0, std::min<std::size_t>(records.room(), 4 + random.below(longest_run - 4)));
  for (std::size_t i = 0; i < records.count(); ++i) put_random_record(records.at(i), random, data, language);
  return records.size();
}

}  // namespace

Mutation draw_mutation(SplitMix& random) {
  using enum Mutation;
  constexpr Mutation table[] = {Insert, Insert, Insert,   Insert,  Delete,  Delete, Duplicate, Duplicate,
                                Swap,   Opcode, Selector, Operand, Operand, Header, Header,    Bytes};
  return table[random.below(std::size(table))];
}

std::size_t apply_mutation(Mutation mutation, std::uint8_t* data, std::size_t size, std::size_t max_size,
                           SplitMix& random, MutateBytes mutate_bytes, const Language& language) {
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
      for (std::size_t i = 0; i < n; ++i) put_random_record(records.at(index + i), random, data, language);
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
    case Mutation::Opcode:
      records.at(random.below(count))[format::opcode_at] = random_opcode(random, data, language);
      break;
    case Mutation::Selector: records.at(random.below(count))[format::selector_at] = random_selector(random); break;
    case Mutation::Operand: mutate_operand(records.at(random.below(count)), random); break;
    case Mutation::Header: mutate_header(records.header(), random, language); break;
    case Mutation::Bytes: break;
  }
  return records.size();
}

std::size_t mutate_program(std::uint8_t* data, std::size_t size, std::size_t max_size, std::uint32_t seed,
                           std::optional<slab::Row> row, MutateBytes mutate_bytes, const Language& language) {
  SplitMix random{seed};
  // Without a corpus, mutations of the empty program take hundreds of inputs to what every program drawn anew has.
  const bool is_empty = size <= header_size;
  const std::size_t drawn = random.below(is_empty ? 2 : 16) == 0 ? draw_program(data, max_size, random, language) : 0;
  if (drawn != 0) size = drawn;
  for (std::size_t left = drawn != 0 ? 0 : 1 + random.below(3); left > 0; --left)
    if (const std::size_t mutated =
            apply_mutation(draw_mutation(random), data, size, max_size, random, mutate_bytes, language))
      size = mutated;
  if (!row) return size;
  if (size <= first_row_at && max_size > first_row_at && row != slab::Row::SmallSinglePage) {
    std::memset(data + size, 0, first_row_at + 1 - size);
    size = first_row_at + 1;
  }
  if (size > first_row_at) data[first_row_at] = format::byte_of_row(*row, data[first_row_at]);
  return size;
}

}  // namespace slabproof

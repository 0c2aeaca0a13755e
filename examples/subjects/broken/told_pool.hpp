// A pool of four slots that finds wrong frees, with a mistake to choose. Without one it is right.
#pragma once

#include <cstddef>
#include <cstdint>

#include <slabproof/subject.hpp>

enum class ToldPoolMistake {
  None,
  FreesTwice,  // a double free is told, and done
};

/// `By`: how it tells.
template <slabproof::DetectedMisuse::By By, ToldPoolMistake Mistake>
class ToldPool {
 public:
  static constexpr std::size_t slots = 4, slot_size = 64;
  static constexpr slabproof::Abilities abilities{
      .accepts = {.most = slot_size, .max_align = 16},
      .capacity = slots,
      .detects = {.by = By, .double_free = true, .interior = true, .foreign = true}};

  ToldPool() {
    for (std::size_t slot = slots; slot-- > 0;) push(slot);
  }

  void* alloc() {
    if (free_ == none) return nullptr;
    const std::uint8_t slot = free_;
    free_ = next_[slot];
    next_[slot] = none;
    is_live_[slot] = true;
    return memory_[slot];
  }
  void free(void* object) {
    const auto at =
        static_cast<std::size_t>(reinterpret_cast<std::uintptr_t>(object) - reinterpret_cast<std::uintptr_t>(memory_));
    if (at >= sizeof memory_ || at % slot_size != 0) return tell();
    const std::size_t slot = at / slot_size;
    const bool is_wrong = !is_live_[slot];
    if (!is_wrong || Mistake == ToldPoolMistake::FreesTwice) {
      is_live_[slot] = false;
      push(slot);
    }
    if (is_wrong) tell();
  }
  std::size_t misuses() const { return misuses_; }

 private:
  static constexpr std::uint8_t none = slots;

  void push(std::size_t slot) {
    next_[slot] = free_;
    free_ = static_cast<std::uint8_t>(slot);
  }
  void tell() {
    if constexpr (By == slabproof::DetectedMisuse::By::Exception)
      throw "a wrong free";
    else
      ++misuses_;
  }

  alignas(16) std::byte memory_[slots][slot_size];
  std::uint8_t next_[slots], free_ = none;
  bool is_live_[slots] = {};
  std::size_t misuses_ = 0;
};

#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "properties/locked/order.hpp"

namespace turns {

/// CPUs that take turns: each goes on until it asks for a turn, or for a lock. Nothing else interrupts it, so a run is
/// the same each time that it has the same order.
class Cpus {
 public:
  static constexpr std::uint8_t most = 3;
  static constexpr std::uint8_t none = 0xFF;

  Cpus();
  Cpus(const Cpus&) = delete;
  Cpus& operator=(const Cpus&) = delete;
  ~Cpus();

  /// Runs program(cpu) on each of `count` CPUs, in this order. False if all that have not ended wait for a lock: those
  /// stay where they are.
  bool run(std::uint8_t count, const std::function<void(std::uint8_t)>& program, Order& order);

  /// The CPU that is at work; none outside of run().
  [[nodiscard]] std::uint8_t current() const { return current_; }
  /// Others may go on first.
  void turn();
  /// The same, until `is_free` is.
  void turn_until(const bool& is_free);
  /// All CPUs stay where they are, for good: run() was left by a jump.
  void abandon() { current_ = none; }

 private:
  struct Cpu;
  static void start(Cpus* cpus, std::uint64_t cpu);
  void enter(std::uint8_t cpu);
  void leave(Cpu& cpu, bool is_over);

  std::unique_ptr<Cpu> cpus_[most];
  const std::function<void(std::uint8_t)>* program_ = nullptr;
  std::uint8_t current_ = none;
  void* main_ = nullptr;  // where its stack was left
};

}  // namespace turns

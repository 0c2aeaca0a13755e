#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace turns {

/// Which CPU goes on, wherever more than one could: a path through the tree of all orders.
class Order {
 public:
  /// One of `options`, from 0.
  std::uint8_t choose(std::uint8_t options) {
    if (options == 1) return 0;
    if (at_ == path_.size()) path_.push_back({0, options});
    return path_[at_++].chosen;
  }
  /// The next order; false after the last.
  bool advance() {
    while (!path_.empty() && path_.back().chosen + 1 == path_.back().options) path_.pop_back();
    at_ = 0;
    if (path_.empty()) return false;
    ++path_.back().chosen;
    return true;
  }

 private:
  struct Choice {
    std::uint8_t chosen, options;
  };
  std::vector<Choice> path_;
  std::size_t at_ = 0;
};

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

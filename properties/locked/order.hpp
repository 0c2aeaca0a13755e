#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace turns {

/// Which CPU goes on, wherever more than one could, and which it was: a digit for each such place.
class Order {
 public:
  virtual ~Order() = default;
  /// One of `able`, which begins with the CPU that was at work if it can go on.
  std::uint8_t next(const std::uint8_t* able, std::uint8_t options) {
    if (options == 1) return able[0];
    const std::uint8_t index = choose(able, options);
    taken_.push_back(static_cast<char>('0' + able[index]));
    if (index != 0) switched_ = taken_.size(), ++switches_;
    return able[index];
  }
  /// The turns taken, without those at the end where the CPU at work went on.
  [[nodiscard]] std::string turns() const { return taken_.substr(0, switched_); }
  /// How often another CPU went on than the first of those that could.
  [[nodiscard]] std::size_t switches() const { return switches_; }

 protected:
  void begin() { taken_.clear(), switched_ = switches_ = 0; }

 private:
  /// The index of one of them.
  virtual std::uint8_t choose(const std::uint8_t* able, std::uint8_t options) = 0;

  std::string taken_;
  std::size_t switched_ = 0, switches_ = 0;
};

/// All orders with at most so many switches, one after the other: paths through the tree of choices.
class EveryOrder : public Order {
 public:
  explicit EveryOrder(std::size_t most_switches = SIZE_MAX) : most_switches_{most_switches} {}
  /// The next order; false after the last.
  bool advance() {
    while (!path_.empty() && !can_advance()) {
      used_ -= path_.back().chosen != 0;
      path_.pop_back();
    }
    at_ = 0;
    begin();
    if (path_.empty()) return false;
    used_ += path_.back().chosen == 0;
    ++path_.back().chosen;
    return true;
  }

 private:
  struct Choice {
    std::uint8_t chosen, options;
  };
  [[nodiscard]] bool can_advance() const {
    const Choice& last = path_.back();
    return last.chosen + 1 < last.options && (last.chosen != 0 || used_ < most_switches_);
  }
  std::uint8_t choose(const std::uint8_t*, std::uint8_t options) override {
    if (at_ == path_.size()) path_.push_back({0, options});
    return path_[at_++].chosen;
  }

  std::size_t most_switches_, used_ = 0;
  std::vector<Choice> path_;
  std::size_t at_ = 0;
};

/// The turns of a text. Where they name a CPU that cannot go on, and behind them, the CPU at work goes on.
class GivenOrder : public Order {
 public:
  explicit GivenOrder(std::string turns) : given_{std::move(turns)} {}

 private:
  std::uint8_t choose(const std::uint8_t* able, std::uint8_t options) override {
    const char turn = at_ < given_.size() ? given_[at_++] : '\0';
    for (std::uint8_t i = 0; i < options; ++i)
      if ('0' + able[i] == turn) return i;
    return 0;
  }

  std::string given_;
  std::size_t at_ = 0;
};

/// Another CPU goes on in one of `rarity` places.
class RandomOrder : public Order {
 public:
  RandomOrder(std::mt19937_64& random, std::uint32_t rarity) : random_{random}, rarity_{rarity} {}

 private:
  std::uint8_t choose(const std::uint8_t*, std::uint8_t options) override {
    return random_() % rarity_ != 0 ? std::uint8_t{0} : static_cast<std::uint8_t>(random_() % options);
  }

  std::mt19937_64& random_;
  std::uint32_t rarity_;
};

}  // namespace turns

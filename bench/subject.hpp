#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bench/workloads.hpp"

namespace bench {

/// A pool under one workload, ready to be measured.
class Session {
 public:
  virtual ~Session() = default;
  /// One measurement, of pairs() pairs.
  virtual void run() = 0;
  [[nodiscard]] virtual std::size_t pairs() const = 0;
};

/// A pool behind functions that are called once an object: for what takes no time.
class AnyPool {
 public:
  virtual ~AnyPool() = default;
  [[nodiscard]] virtual void* alloc() = 0;
  virtual void free(void* object) = 0;
  /// Gives the system back what can be given back while nothing is live.
  virtual void give_back() = 0;
  /// Asks so many times how full the pool is. False if it cannot say.
  virtual bool ask_statistics(std::size_t times) = 0;
};

/// Who is measured, with objects of one size.
struct Subject {
  std::string name;
  std::size_t size = 0;  ///< of an object, in bytes
  std::function<std::unique_ptr<Session>(const Shape&)> open;
  std::function<std::unique_ptr<AnyPool>()> make_pool;
};

/// All that there are. What cannot be measured here is in missing().
std::vector<Subject>& subjects();
struct Missing {
  std::string name, reason;
};
std::vector<Missing>& missing();

namespace detail {

template <class Pool>
class PoolSession final : public Session {
 public:
  template <class... Arguments>
  explicit PoolSession(const Shape& shape, const Arguments&... arguments) : pool_{arguments...}, work_{pool_, shape} {}
  void run() override { work_.run(); }
  [[nodiscard]] std::size_t pairs() const override { return work_.pairs(); }

 private:
  Pool pool_;
  Work<Pool> work_;
};

template <class Pool>
class VirtualPool final : public AnyPool {
 public:
  template <class... Arguments>
  explicit VirtualPool(const Arguments&... arguments) : pool_{arguments...} {}
  void* alloc() override { return pool_.alloc(); }
  void free(void* object) override { pool_.free(object); }
  void give_back() override { pool_.give_back(); }
  bool ask_statistics(std::size_t times) override {
    if constexpr (requires { pool_.statistics(); }) {
      for (; times > 0; --times) {
        const auto answer = pool_.statistics();
        asm volatile("" : : "r"(&answer) : "memory");  // all of it is wanted, anew each time
      }
      return true;
    }
    return false;
  }

 private:
  Pool pool_;
};

}  // namespace detail

/// A Pool, which is made anew from the arguments for each measurement.
template <class Pool, class... Arguments>
void add_subject(std::string name, std::size_t size, Arguments... arguments) {
  subjects().push_back(
      {std::move(name), size,
       [=](const Shape& shape) { return std::make_unique<detail::PoolSession<Pool>>(shape, arguments...); },
       [=] { return std::make_unique<detail::VirtualPool<Pool>>(arguments...); }});
}

/// Adds everybody but slab's caches, which bench/subjects.cpp adds before main().
void add_peers();

}  // namespace bench

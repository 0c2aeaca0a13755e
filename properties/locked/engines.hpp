#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <vector>

#include "properties/locked/program.hpp"
#include "properties/locked/world.hpp"

namespace turns {

/// A program, its turns included, and what does not hold of it.
struct Find {
  TurnProgram program;
  Violation violation;
};

/// What was run.
struct Counts {
  std::uint64_t programs = 0, orders = 0;
};

/// The program in all orders with at most so many switches, until something does not hold, or `most_orders` were run.
/// `calls` are the most of the backend that might have failed.
std::optional<Find> run_every_order(Cpus& cpus, TurnProgram program, Counts& counts, std::uint32_t& calls,
                                    std::size_t most_switches = SIZE_MAX, std::uint64_t most_orders = UINT64_MAX);

/// Which small programs.
struct SmallWorld {
  std::size_t cpus, most_operations;
  bool takes_turns_at_calls;  // of the backend, besides those of the lock
  bool has_reserve;  // which takes the lock so often that three of them have too many orders
};
/// All programs of a world in all orders, with each call of the backend refused, alone and with all after it.
std::optional<Find> explore(Cpus& cpus, const Setup& setup, const SmallWorld& world, Counts& counts);

/// A program that CPUs would take too long to go through in every order, with turns that are to be made.
TurnProgram random_program(std::mt19937_64& random);
/// Random programs, each in a few random orders, until something does not hold.
std::optional<Find> run_random(Cpus& cpus, std::uint64_t seed, std::uint64_t programs, Counts& counts);

/// A smaller program of which the same does not hold: with fewer operations and CPUs, no call refused, fewer switches.
/// O(operations²) runs, and a few thousand orders for each.
Find minimize(Cpus& cpus, Find find);

}  // namespace turns

#pragma once

#include <span>

#include "model/program/program.hpp"

namespace slabproof {

/// One program that does what these do one after another in one process, where what is judged lives in globals, so that
/// all work on the same: the objects that each leaves are freed before the next begins. In the setup of the last one.
/// The first programs are left out where it would have thousands of operations, and of a pool those with objects of
/// another size.
Program joined(std::span<const Program> programs);

}  // namespace slabproof

#pragma once

#include "model/program/codec.hpp"  // IWYU pragma: export

"""The fuzz targets as ci/fuzz runs them, and the engines, libFuzzer and AFL++, that fuzz them."""

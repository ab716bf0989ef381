"""The plugin for pytest: the fixture check_exporter, and a report where `assert libpybuffer.check(obj)` fails."""

"""Machine code that many sizes share: functions that find their numbers in tables."""

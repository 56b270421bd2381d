"""What forced end-of-day flow is: arrays in, arrays out.

Conventions of the whole project:

* USD notional, buy > 0 and sell < 0, of the exposure a product must trade by the close.
* Returns and ratios are fractions: 0.01 is 1 %.
* Times are int64 nanoseconds since 1970 UTC (``_ns``); ``NO_TIME`` means "never".
* A session is labelled by its local date, an int64 count of days since 1970 (``label``);
  ``NO_SESSION`` means "none". A session runs from open to close, both ends included.
* NaN means unknown, and unknown is never zero.

Nothing here reads a clock, a file or a network, and nothing here logs: the same inputs give the
same figures, whatever the order, duplication or batching in which they came.
"""

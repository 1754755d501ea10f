"""payment-writeback that does not wait a quarter of an hour before it looks up a call whose answer was lost.

Business Central may carry out a call that long after its client has given up; its simulator answers in milliseconds.
"""

from tieout_connectors.business_central import drafts
from tieout_payment_writeback import __main__

SETTLE = 1

vars(drafts)["SETTLE"] = SETTLE
__main__.main()

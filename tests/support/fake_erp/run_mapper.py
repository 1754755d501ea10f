"""fact-mapper with the wire reader of the ERP that exists in tests only."""

from tieout_fact_mapper import __main__, readers

readers.READERS["fake"] = "support.fake_erp.wire:FakeWireReader"
__main__.main()

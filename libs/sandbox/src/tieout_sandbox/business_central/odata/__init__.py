"""OData v4 as Business Central speaks it: values, filters, paging, entity types. Knows nothing of accounting."""

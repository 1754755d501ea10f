"""The tie-out: both ledgers and what Tieout believes, as values, to three equations and every difference by name.

    (a)  vendor subledger              =  control accounts
    (b)  open in the ERP, in scope     =  BILL's amount less credits less processed payments, per document and currency
    (c)  clearing balance              =  payments posted less transfers booked less refunds due, by payment

Pure: no clock, no I/O. The same inputs give the same bytes.
"""

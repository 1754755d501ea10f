"""Texts of refusals in other languages, where Business Central translates them: dialogs and field validation.

A missing text stays English.
"""

GERMAN: dict[str, str] = {
    "must_have_value": "{field} muss einen Wert in {table} haben: {key}. Der Wert darf nicht null oder leer sein.",
    "vendor_blocked_new": (
        "Sie können diese Art von Beleg nicht erstellen, wenn Kreditor {vendor} mit Art {type} gesperrt ist"
    ),
    "vendor_blocked_post": (
        "Sie können diese Art von Beleg nicht buchen, wenn Kreditor {vendor} mit Art {type} gesperrt ist"
    ),
    "date_window": "Buchungsdatum liegt nicht innerhalb des zulässigen Buchungszeitraums in {table}: {key}.",
    "document_used": "Einkauf {type} {number} ist bereits vorhanden.",
    "external_used": "Einkauf {type} {number} ist für diesen Kreditor bereits vorhanden.",
    "no_open_entry": (
        "Es ist kein Kreditorenposten innerhalb des Filters vorhanden. Filter: Belegart: Rechnung, "
        "Belegnr.: {number}, Kreditorennr.: {vendor}, Offen: Ja"
    ),
    "one_currency": "Alle Posten in einem Ausgleich müssen dieselbe Währung haben.",
    "earlier_date": "Sie dürfen einen Posten nicht mit einem Posten mit früherem Buchungsdatum ausgleichen und buchen.",
    "out_of_balance": "Die Zeilen im Buch.-Blatt weichen um {amount} ab. Prüfen Sie Gegenkontonr. und Betrag.",
    "dimensions_invalid": "Die in {where} verwendeten Dimensionen sind ungültig (Fehler: {rule}).",
    "nothing_to_post": "Es gibt nichts zu buchen.",
    "draft_only": "Die Aktion kann nur auf einen Rechnungsentwurf angewendet werden.",
    "invoice_posted": "Die Rechnung wurde gebucht und kann nicht mehr geändert werden.",
    "applies_to_id": (
        "Die „appliesToInvoiceId“ muss die ID einer offenen, bezahlten, korrigierenden oder stornierten Rechnung sein."
    ),
    "account_blocked": "Gesperrt muss in {table}: Nr.={number} gleich 'Nein' sein. Der aktuelle Wert ist 'Ja'.",
}
LANGUAGES: dict[str, dict[str, str]] = {"de": GERMAN}

"""The words, names and notations that generated documents are written in."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final


@dataclass(frozen=True, slots=True)
class Language:
    """``money``: marks of thousands and decimals; ``dates``: ways of writing days; ``labels``:
    what a value is introduced by, several words each."""

    code: str
    labels: Mapping[str, tuple[str, ...]]
    titles: Mapping[str, tuple[str, ...]]
    money: tuple[tuple[str, str], ...]
    dates: tuple[str, ...]
    months: tuple[str, ...]
    invoice_prefixes: tuple[str, ...]
    note_prefixes: tuple[str, ...]
    letter_prefixes: tuple[str, ...]
    legal_forms: tuple[str, ...]
    greetings: tuple[str, ...]
    closings: tuple[str, ...]
    thanks: tuple[str, ...]
    paid: tuple[str, ...]
    unpaid: tuple[str, ...]
    reminding: tuple[str, ...]
    tax_free: tuple[str, ...]
    letter_openings: tuple[str, ...]
    speaking_of: tuple[str, ...]
    answer_by: tuple[str, ...]
    meetings: tuple[str, ...]


_ENGLISH: Final = Language(
    code="en",
    labels={
        "number": ("Invoice no.", "Invoice number", "Invoice #"),
        "date": ("Invoice date", "Date of invoice"),
        "reminder_date": ("Date", "Date of this reminder"),
        "letter_date": ("Date",),
        "due": ("Due date", "Payable by", "Please pay by"),
        "delivered": ("Delivery date", "Order date"),
        "note": ("Delivery note", "Delivery note no."),
        "account": ("Customer no.", "Account"),
        "contact": ("Contact", "Your contact"),
        "buyer": ("Ordered by", "Attention"),
        "recipient": ("Bill to", "Customer"),
        "reader": ("To", "Attention"),
        "reference": ("Our reference", "Reference"),
        "net": ("Subtotal", "Net amount", "Total excl. VAT"),
        "vat": ("VAT", "Tax"),
        "total": ("Total", "Total amount", "Amount due"),
        "open": ("Amount outstanding", "Amount due"),
        "item": ("Item", "Description"),
        "quantity": ("Qty", "Quantity"),
        "amount": ("Amount", "Line total"),
    },
    titles={
        "invoice": ("Invoice", "Tax invoice"),
        "reminder": ("Payment reminder", "Second reminder"),
        "letter": ("Your enquiry", "Our agreement", "Change of address", "Meeting last week"),
    },
    money=((",", "."), (",", ".")),
    dates=("iso", "day month year", "day/month", "month/day", "month day, year"),
    months=tuple(
        "January February March April May June July August September October November "
        "December".split()
    ),
    invoice_prefixes=("INV", "I", "R"),
    note_prefixes=("DN", "DEL"),
    letter_prefixes=("REF", "L", "OUR"),
    legal_forms=("Ltd", "Inc.", "LLP", "plc", "& Sons"),
    greetings=("Dear Sir or Madam,", "Hello,", "Dear customer,"),
    closings=("Kind regards", "Yours faithfully", "Best wishes"),
    thanks=("Thank you for your order.", "We appreciate your business.", "Questions? Call us."),
    paid=("Paid by card, with thanks.", "Payment received. Nothing is left to pay.", "PAID"),
    unpaid=("Payment is outstanding.", "Not yet paid.", "Please transfer the amount."),
    reminding=(
        "We have not received your payment yet.",
        "According to our books this invoice is still open.",
    ),
    tax_free=("Exempt from VAT.", "No tax is charged."),
    letter_openings=(
        "Thank you for your message of last week.",
        "We are writing to you about our work together.",
        "As discussed, we confirm what was agreed.",
    ),
    speaking_of=(
        "This concerns invoice {number} of {day} over {amount}, which has been settled.",
        "You asked about invoice {number} ({day}, {amount}); it is correct.",
    ),
    answer_by=("Please answer by {day}.", "We would be glad to hear from you before {day}."),
    meetings=("{person} was present at the meeting.", "Please turn to {person} for details."),
)
_GERMAN: Final = Language(
    code="de",
    labels={
        "number": ("Rechnungsnummer", "Rechnung Nr.", "Rechnungs-Nr."),
        "date": ("Rechnungsdatum", "Datum der Rechnung"),
        "reminder_date": ("Datum", "Datum der Mahnung"),
        "letter_date": ("Datum",),
        "due": ("Fällig am", "Zahlbar bis", "Zahlungsziel"),
        "delivered": ("Lieferdatum", "Bestelldatum"),
        "note": ("Lieferschein", "Lieferschein-Nr."),
        "account": ("Kundennummer", "Kunden-Nr."),
        "contact": ("Ansprechpartner", "Sachbearbeitung"),
        "buyer": ("Bestellt von", "z. Hd."),
        "recipient": ("Rechnung an", "Kunde"),
        "reader": ("An", "Empfänger"),
        "reference": ("Unser Zeichen", "Aktenzeichen"),
        "net": ("Zwischensumme", "Nettobetrag", "Summe netto"),
        "vat": ("MwSt.", "Umsatzsteuer"),
        "total": ("Gesamtbetrag", "Summe", "Rechnungsbetrag"),
        "open": ("Offener Betrag", "Zu zahlen"),
        "item": ("Artikel", "Bezeichnung"),
        "quantity": ("Menge", "Anzahl"),
        "amount": ("Betrag", "Gesamt"),
    },
    titles={
        "invoice": ("Rechnung",),
        "reminder": ("Mahnung", "Zahlungserinnerung"),
        "letter": ("Ihre Anfrage", "Unsere Vereinbarung", "Neue Anschrift", "Besprechung"),
    },
    money=((".", ","), (".", ","), (" ", ",")),
    dates=("day.month", "day. month year", "iso"),
    months=tuple(
        "Januar Februar März April Mai Juni Juli August September Oktober November Dezember".split()
    ),
    invoice_prefixes=("RE", "R", "RG"),
    note_prefixes=("LS", "LI"),
    letter_prefixes=("AZ", "Z", "BR"),
    legal_forms=("GmbH", "AG", "KG", "e. K.", "OHG"),
    greetings=("Sehr geehrte Damen und Herren,", "Guten Tag,"),
    closings=("Mit freundlichen Grüßen", "Freundliche Grüße"),
    thanks=("Vielen Dank für Ihren Auftrag.", "Bei Fragen rufen Sie uns gerne an."),
    paid=("Betrag dankend erhalten.", "Bereits bezahlt.", "Per Karte bezahlt."),
    unpaid=("Noch nicht bezahlt.", "Bitte überweisen Sie den Betrag.", "Zahlung offen."),
    reminding=(
        "Leider haben wir noch keinen Zahlungseingang festgestellt.",
        "Diese Rechnung ist nach unseren Büchern noch offen.",
    ),
    tax_free=("Steuerfreie Leistung.", "Es wird keine Umsatzsteuer berechnet."),
    letter_openings=(
        "vielen Dank für Ihre Nachricht der letzten Woche.",
        "wir schreiben Ihnen wegen unserer Zusammenarbeit.",
        "wie besprochen bestätigen wir das Vereinbarte.",
    ),
    speaking_of=(
        "Es geht um die Rechnung {number} vom {day} über {amount}, die beglichen ist.",
        "Sie fragten nach der Rechnung {number} ({day}, {amount}); sie ist richtig.",
    ),
    answer_by=(
        "Bitte antworten Sie bis {day}.",
        "Über eine Antwort vor dem {day} freuen wir uns.",
    ),
    meetings=("{person} war bei der Besprechung dabei.", "Einzelheiten nennt Ihnen {person}."),
)
_FRENCH: Final = Language(
    code="fr",
    labels={
        "number": ("Facture n\u00b0", "Numéro de facture", "N\u00b0 de facture"),
        "date": ("Date de facture", "Date de la facture"),
        "reminder_date": ("Date", "Date du rappel"),
        "letter_date": ("Date",),
        "due": ("Échéance", "À payer avant le", "Date d'échéance"),
        "delivered": ("Date de livraison", "Date de commande"),
        "note": ("Bon de livraison", "BL n\u00b0"),
        "account": ("N\u00b0 client", "Code client"),
        "contact": ("Contact", "Votre interlocuteur"),
        "buyer": ("Commandé par", "À l'attention de"),
        "recipient": ("Facturé à", "Client"),
        "reader": ("À", "Destinataire"),
        "reference": ("Notre référence", "Réf."),
        "net": ("Sous-total", "Total HT", "Montant HT"),
        "vat": ("TVA",),
        "total": ("Total TTC", "Montant total", "Net à payer"),
        "open": ("Montant dû", "Reste à payer"),
        "item": ("Désignation", "Article"),
        "quantity": ("Qté", "Quantité"),
        "amount": ("Montant", "Total ligne"),
    },
    titles={
        "invoice": ("Facture",),
        "reminder": ("Rappel de paiement", "Relance"),
        "letter": ("Votre demande", "Notre accord", "Changement d'adresse", "Réunion"),
    },
    money=(("\u202f", ","), (" ", ","), (".", ",")),
    dates=("day/month", "day month year", "iso"),
    months=tuple(
        "janvier février mars avril mai juin juillet août septembre octobre novembre "
        "décembre".split()
    ),
    invoice_prefixes=("FA", "F", "FC"),
    note_prefixes=("BL", "LV"),
    letter_prefixes=("NR", "C", "DOS"),
    legal_forms=("SARL", "SA", "SAS", "et Fils", "EURL"),
    greetings=("Madame, Monsieur,", "Bonjour,"),
    closings=("Cordialement", "Meilleures salutations"),
    thanks=("Merci de votre commande.", "Pour toute question, appelez-nous."),
    paid=("Payé par carte, merci.", "Facture acquittée.", "Paiement reçu."),
    unpaid=("En attente de paiement.", "Non encore payé.", "Merci de virer ce montant."),
    reminding=(
        "Sauf erreur, nous n'avons pas encore reçu votre paiement.",
        "Cette facture reste ouverte dans nos livres.",
    ),
    tax_free=("Exonéré de TVA.", "TVA non applicable."),
    letter_openings=(
        "Merci de votre message de la semaine dernière.",
        "Nous vous écrivons au sujet de notre collaboration.",
        "Comme convenu, nous confirmons notre accord.",
    ),
    speaking_of=(
        "Il s'agit de la facture {number} du {day} de {amount}, qui est réglée.",
        "Vous demandiez la facture {number} ({day}, {amount}) ; elle est juste.",
    ),
    answer_by=(
        "Merci de répondre avant le {day}.",
        "Nous attendons votre réponse d'ici le {day}.",
    ),
    meetings=(
        "{person} était présent à la réunion.",
        "Pour les détails, voyez {person}.",
    ),
)
LANGUAGES: Final[Mapping[str, Language]] = {one.code: one for one in (_ENGLISH, _GERMAN, _FRENCH)}

GOODS: Final[Mapping[str, tuple[str, ...]]] = {
    "en": (
        "Blue ink cartridge",
        "Black ink cartridge",
        "A4 paper, 500 sheets",
        "A4 paper, 2,500 sheets",
        "Oak shelf, 80 cm",
        "Oak shelf, 60 cm",
        "Desk lamp",
        "Office chair",
        "USB cable, 2 m",
        "USB cable, 1 m",
        "Consulting, hours",
        "Travel expenses",
        "Hosting, monthly",
        "Software licence, yearly",
        "Window cleaning",
        "Delivery and packing",
        "Whiteboard markers",
        "Network switch, 8 ports",
        "Network switch, 16 ports",
        "Printer maintenance",
    ),
    "de": (
        "Tintenpatrone blau",
        "Tintenpatrone schwarz",
        "Papier A4, 500 Blatt",
        "Papier A4, 2.500 Blatt",
        "Regal Eiche, 80 cm",
        "Regal Eiche, 60 cm",
        "Schreibtischlampe",
        "Bürostuhl",
        "USB-Kabel, 2 m",
        "USB-Kabel, 1 m",
        "Beratung, Stunden",
        "Reisekosten",
        "Hosting, monatlich",
        "Softwarelizenz, jährlich",
        "Fensterreinigung",
        "Versand und Verpackung",
        "Marker für Tafeln",
        "Netzwerk-Switch, 8 Ports",
        "Netzwerk-Switch, 16 Ports",
        "Wartung Drucker",
    ),
    "fr": (
        "Cartouche d'encre bleue",
        "Cartouche d'encre noire",
        "Papier A4, 500 feuilles",
        "Papier A4, 2 500 feuilles",
        "Étagère chêne, 80 cm",
        "Étagère chêne, 60 cm",
        "Lampe de bureau",
        "Chaise de bureau",
        "Câble USB, 2 m",
        "Câble USB, 1 m",
        "Conseil, heures",
        "Frais de déplacement",
        "Hébergement, mensuel",
        "Licence logicielle, annuelle",
        "Nettoyage des vitres",
        "Livraison et emballage",
        "Marqueurs pour tableau",
        "Commutateur réseau, 8 ports",
        "Commutateur réseau, 16 ports",
        "Entretien imprimante",
    ),
}
_FIRST: Final = tuple(
    "Anna Ruth Paul Clara Jean Lukas Maria Tom Sophie Emil Nadia Peter Louise Karim Ines Hugo Ida "
    "Viktor Helen Marc".split()
)
_LAST: Final = tuple(
    "Miller Okafor Berger Durand Schmidt Moreau Novak Keller Bianchi Laurent Weber Hansen Petit "
    "Fischer Clarke Dubois Wagner Rossi Lambert Bennett".split()
)
_FIRMS: Final = tuple(
    "Nordlicht Harbour Silva Alpen Meridian Castel Brook Lindner Marchand Vega Quarry Tilburg "
    "Fontaine Rowan Kestrel Sonne Aubert Granit Willow Delta".split()
)
_TRADES: Final = tuple("Papier Trading Energie Print Logistik Foods Textil Media Optik Bau".split())
_SYMBOLS: Final = {"EUR": "\u20ac", "USD": "$", "GBP": "\u00a3", "CHF": "Fr."}


def company(chance: random.Random, language: Language) -> str:
    """The name of a company, with its legal form."""
    parts = [chance.choice(_FIRMS), chance.choice(_TRADES), chance.choice(language.legal_forms)]
    return " ".join(parts)


def person(chance: random.Random) -> str:
    """A first and a last name."""
    return f"{chance.choice(_FIRST)} {chance.choice(_LAST)}"


def grouped(cents: int, marks: tuple[str, str]) -> str:
    """An amount of hundredths with the marks of thousands and decimals."""
    thousands, decimals = marks
    whole = f"{cents // 100:,}".replace(",", thousands)
    return f"{whole}{decimals}{cents % 100:02d}"


def money(cents: int, marks: tuple[str, str], currency: str, *, by_symbol: bool) -> str:
    """An amount with its currency, before it or after it as its language has it."""
    named = _SYMBOLS[currency] if by_symbol else currency
    if marks[1] == ".":
        return f"{named}{'' if by_symbol else ' '}{grouped(cents, marks)}"
    return f"{grouped(cents, marks)} {named}"


def quantity(pieces: float, marks: tuple[str, str]) -> str:
    """How many, with decimals only where there are any."""
    return f"{pieces:g}".replace(".", marks[1])


def written_date(day: date, way: str, language: Language) -> str:
    """The day in one of the ways of writing it."""
    month = language.months[day.month - 1]
    ways = {
        "iso": day.isoformat(),
        "day.month": f"{day:%d.%m.%Y}",
        "day/month": f"{day:%d/%m/%Y}",
        "month/day": f"{day:%m/%d/%Y}",
        "day month year": f"{day.day} {month} {day.year}",
        "day. month year": f"{day.day}. {month} {day.year}",
        "month day, year": f"{month} {day.day}, {day.year}",
    }
    return ways[way]

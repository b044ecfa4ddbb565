"""What the controller declares, and people recorded; what is lacking is shown as missing (D2 to D4, D7 to D10, D12 to D17)."""

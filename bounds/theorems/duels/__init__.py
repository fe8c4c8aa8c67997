"""What duels, rankings and certificates to a target say as labels come: their claims, proved."""

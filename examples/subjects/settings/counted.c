int counted;

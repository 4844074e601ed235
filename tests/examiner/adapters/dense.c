/* y = x times the transpose of w: x (n, c), w (o, c), y (n, o). */
void dense(long n, long c, long o, const double *x, const double *w, double *y) {
    for (long i = 0; i < n; i++)
        for (long j = 0; j < o; j++) {
            double sum = 0;
            for (long k = 0; k < c; k++) sum += x[i * c + k] * w[j * c + k];
            y[i * o + j] = sum;
        }
}

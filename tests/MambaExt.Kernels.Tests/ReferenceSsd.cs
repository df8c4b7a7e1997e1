namespace MambaExt.Kernels.Tests;

/// <summary>The Mamba-2 recurrence as its definition reads, in double precision and nothing but loops; and its gradients by the chain rule.</summary>
internal sealed class ReferenceSsd(StateSpaceDualityShape s)
{
    public double[] X = [], Dt = [], A = [], B = [], C = [], Out = [], LastState = [];
    public double[]? Z, D, Bias, S0;
    public int[]? Seq;
    public double[]? GradOut, GradLast;
    public double[] GX = [], GDt = [], GA = [], GB = [], GC = [], GZ = [], GD = [], GBias = [], GS0 = [];

    private static double Sigmoid(double x) => 1 / (1 + Math.Exp(-x));

    public void Run()
    {
        long L = s.Length;
        int H = s.Heads, P = s.HeadWidth, N = s.States, G = s.Groups;
        Out = new double[X.Length]; LastState = new double[s.Batch * H * P * N];
        GX = new double[X.Length]; GZ = new double[X.Length]; GDt = new double[Dt.Length]; GB = new double[B.Length]; GC = new double[C.Length];
        GA = new double[H]; GBias = new double[H]; GD = new double[D?.Length ?? 0]; GS0 = new double[LastState.Length];
        for (long b = 0; b < s.Batch; b++)
            for (int h = 0; h < H; h++)
            {
                var d = new double[L]; var slope = new double[L]; var e = new double[L];
                for (long t = 0; t < L; t++)
                {
                    double raw = Dt[(b * L + t) * H + h] + (Bias?[h] ?? 0);
                    double soft = !s.Softplus || raw > 20 ? raw : raw < -30 ? Math.Exp(raw) : Math.Log(1 + Math.Exp(raw));
                    slope[t] = soft < s.LeastStep || soft > s.LargestStep ? 0 : s.Softplus && raw <= 20 ? Sigmoid(raw) : 1;
                    d[t] = Math.Clamp(soft, s.LeastStep, s.LargestStep);
                    e[t] = t > 0 && Seq != null && Seq[b * L + t] != Seq[b * L + t - 1] ? 0 : Math.Exp(d[t] * A[h]);
                }

                for (int p = 0; p < P; p++)
                {
                    int di = s.SkipPerChannel ? h * P + p : h;
                    var S = new double[L + 1, N];
                    for (int n = 0; n < N; n++) S[0, n] = S0?[((b * H + h) * P + p) * N + n] ?? 0;
                    var y = new double[L];
                    for (long t = 0; t < L; t++)
                    {
                        long x = ((b * L + t) * H + h) * P + p, bc = ((b * L + t) * G + h / (H / G)) * N;
                        y[t] = (D?[di] ?? 0) * X[x];
                        for (int n = 0; n < N; n++)
                        {
                            S[t + 1, n] = e[t] * S[t, n] + d[t] * X[x] * B[bc + n];
                            y[t] += S[t + 1, n] * C[bc + n];
                        }

                        Out[x] = Z == null ? y[t] : y[t] * Z[x] * Sigmoid(Z[x]);
                    }

                    var carry = new double[N];
                    for (int n = 0; n < N; n++)
                    {
                        LastState[((b * H + h) * P + p) * N + n] = S[L, n];
                        carry[n] = GradLast?[((b * H + h) * P + p) * N + n] ?? 0;
                    }

                    if (GradOut == null) continue;
                    for (long t = L - 1; t >= 0; t--)
                    {
                        long x = ((b * L + t) * H + h) * P + p, bc = ((b * L + t) * G + h / (H / G)) * N;
                        double dy = GradOut[x];
                        if (Z != null)
                        {
                            double sig = Sigmoid(Z[x]);
                            GZ[x] = dy * y[t] * sig * (1 + Z[x] * (1 - sig));
                            dy *= Z[x] * sig;
                        }

                        double gd = 0, gx = 0;
                        for (int n = 0; n < N; n++)
                        {
                            double dS = carry[n] + dy * C[bc + n];
                            GC[bc + n] += dy * S[t + 1, n];
                            GB[bc + n] += dS * d[t] * X[x];
                            gx += dS * B[bc + n];
                            gd += dS * e[t] * S[t, n] * A[h];
                            GA[h] += dS * e[t] * S[t, n] * d[t];
                            carry[n] = dS * e[t];
                        }

                        if (D != null) GD[di] += dy * X[x];
                        GX[x] = gx * d[t] + (D?[di] ?? 0) * dy;
                        GDt[(b * L + t) * H + h] += (gd + gx * X[x]) * slope[t];
                    }

                    for (int n = 0; n < N; n++) GS0[((b * H + h) * P + p) * N + n] = carry[n];
                }
            }

        for (long i = 0; i < GDt.Length; i++) GBias[i % H] += GDt[i];
    }
}

namespace MambaExt.Kernels.Tests;

/// <summary>The selective scan as its definition reads, in double precision and nothing but loops; and its gradients by the chain rule.</summary>
internal sealed class ReferenceScan(SelectiveScanShape s)
{
    public double[] U = [], Delta = [], A = [], B = [], C = [], Out = [], LastState = [];
    public double[]? Z, D, Bias, H0;
    public int[]? Seq;
    public double[] GradOut = [];
    public double[]? GradLast;
    public double[] GU = [], GDelta = [], GA = [], GB = [], GC = [], GZ = [], GD = [], GBias = [], GH0 = [];

    private int G(int d) => d / (s.Channels / s.Groups);
    private long IB(long b, long l, int d, int n) => s.PerPositionB ? ((b * s.Length + l) * s.Groups + G(d)) * s.States + n : (long)d * s.States + n;
    private long IC(long b, long l, int d, int n) => s.PerPositionC ? ((b * s.Length + l) * s.Groups + G(d)) * s.States + n : (long)d * s.States + n;
    private long Row(long b, long i) => b * s.Length + (s.Reverse ? s.Length - 1 - i : i);
    private bool Begins(long b, long i) => Seq != null && i > 0 && Seq[Row(b, i)] != Seq[Row(b, i - 1)];
    private static double Sigmoid(double x) => 1 / (1 + Math.Exp(-x));

    public void Run()
    {
        long L = s.Length;
        int N = s.States, D_ = s.Channels;
        Out = new double[s.Batch * L * D_ * (s.ReturnStates ? N : 1)];
        LastState = new double[s.Batch * D_ * N];
        GU = new double[U.Length]; GDelta = new double[U.Length]; GZ = new double[U.Length]; GA = new double[A.Length];
        GB = new double[B.Length]; GC = new double[C.Length]; GD = new double[D_]; GBias = new double[D_]; GH0 = new double[LastState.Length];
        var h = new double[(L + 1) * N];
        var e = new double[L * N];
        for (long b = 0; b < s.Batch; b++)
            for (int d = 0; d < D_; d++)
            {
                for (int n = 0; n < N; n++) h[n] = H0?[(b * D_ + d) * N + n] ?? 0;
                var dt = new double[L]; var y = new double[L];
                for (long i = 0; i < L; i++)
                {
                    long r = Row(b, i), l = r - b * L, x = r * D_ + d;
                    double raw = Delta[x] + (Bias?[d] ?? 0);
                    dt[i] = !s.Softplus || raw > 20 ? raw : raw < -30 ? Math.Exp(raw) : Math.Log(1 + Math.Exp(raw));
                    y[i] = (D?[d] ?? 0) * U[x];
                    for (int n = 0; n < N; n++)
                    {
                        e[i * N + n] = Math.Exp(dt[i] * A[d * N + n]);
                        h[(i + 1) * N + n] = (Begins(b, i) ? 0 : e[i * N + n] * h[i * N + n]) + dt[i] * U[x] * B[IB(b, l, d, n)];
                        if (s.ReturnStates) Out[x * N + n] = h[(i + 1) * N + n];
                        else y[i] += C[IC(b, l, d, n)] * h[(i + 1) * N + n];
                    }

                    if (!s.ReturnStates) Out[x] = Z == null ? y[i] : y[i] * Z[x] * Sigmoid(Z[x]);
                }

                for (int n = 0; n < N; n++) LastState[(b * D_ + d) * N + n] = h[L * N + n];
                if (GradOut.Length == 0 && L > 0) continue;

                var carry = new double[N];
                for (int n = 0; n < N; n++) carry[n] = GradLast?[(b * D_ + d) * N + n] ?? 0;
                for (long i = L - 1; i >= 0; i--)
                {
                    long r = Row(b, i), l = r - b * L, x = r * D_ + d;
                    double dy = 0;
                    if (!s.ReturnStates)
                    {
                        dy = GradOut[x];
                        if (Z != null)
                        {
                            double sig = Sigmoid(Z[x]);
                            GZ[x] += dy * y[i] * sig * (1 + Z[x] * (1 - sig));
                            dy *= Z[x] * sig;
                        }
                    }

                    GD[d] += dy * U[x];
                    double gdu = 0, gdt = 0;
                    for (int n = 0; n < N; n++)
                    {
                        double dh = carry[n] + (s.ReturnStates ? GradOut[x * N + n] : dy * C[IC(b, l, d, n)]);
                        if (!s.ReturnStates) GC[IC(b, l, d, n)] += dy * h[(i + 1) * N + n];
                        GB[IB(b, l, d, n)] += dh * dt[i] * U[x];
                        gdu += dh * B[IB(b, l, d, n)];
                        double before = Begins(b, i) ? 0 : h[i * N + n];
                        gdt += dh * before * e[i * N + n] * A[d * N + n];
                        GA[d * N + n] += dh * before * e[i * N + n] * dt[i];
                        carry[n] = Begins(b, i) ? 0 : dh * e[i * N + n];
                    }

                    GU[x] = gdu * dt[i] + (D?[d] ?? 0) * dy;
                    double raw = Delta[x] + (Bias?[d] ?? 0);
                    GDelta[x] = (gdt + gdu * U[x]) * (s.Softplus && raw <= 20 ? Sigmoid(raw) : 1);
                    GBias[d] += GDelta[x];
                }

                for (int n = 0; n < N; n++) GH0[(b * D_ + d) * N + n] = carry[n];
            }
    }
}

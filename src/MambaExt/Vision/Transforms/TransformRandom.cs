namespace MambaExt.Vision.Transforms;

/// <summary>
/// The random numbers of one step of one view of one image: a function of (seed, sample, draw, step) and of nothing else, so that a view comes
/// out the same in whatever batch, on whatever thread and in whatever epoch it is made.
/// </summary>
public struct TransformRandom
{
    private readonly ulong _seed;
    private readonly uint _sample, _draw, _step, _stream;
    private (uint R0, uint R1, uint R2, uint R3) _block;
    private uint _next;

    internal TransformRandom(ulong seed, int sample, int draw, int step, RandomStream stream = RandomStream.Augmentation) =>
        (_seed, _sample, _draw, _step, _stream) = (seed, (uint)sample, (uint)draw, (uint)step << 16, (uint)stream << CounterRandom.StreamShift);

    /// <summary>32 random bits.</summary>
    public uint NextBits()
    {
        uint word = _next++ & 3;
        if (word == 0)
        {
            _block = CounterRandom.Block(_seed, _sample, _draw, _step | ((_next - 1) >> 2), _stream);
        }

        return word switch { 0 => _block.R0, 1 => _block.R1, 2 => _block.R2, _ => _block.R3 };
    }

    /// <summary>Uniform from <paramref name="least"/> on and below <paramref name="most"/>.</summary>
    public double Uniform(double least = 0, double most = 1) => least + ((most - least) * (NextBits() * (1.0 / (1L << 32))));

    /// <summary>One of 0 ... <paramref name="count"/> - 1.</summary>
    public int Below(int count) => (int)(((ulong)NextBits() * (uint)count) >> 32);

    /// <summary>True with the given probability.</summary>
    public bool Chance(double probability) => Uniform() < probability;

    /// <summary>Of the symmetric Beta distribution: two gamma variables by the method of Marsaglia and Tsang (2000).</summary>
    /// <param name="alpha">Above 0; 1 is uniform.</param>
    public double Beta(double alpha)
    {
        double a = Gamma(alpha), b = Gamma(alpha);
        return a + b > 0 ? a / (a + b) : 0.5;
    }

    private double Gamma(double shape)
    {
        if (shape < 1)
        {
            // A gamma variable of shape + 1, made smaller by the power of a uniform one.
            return Gamma(shape + 1) * Math.Pow(1 - Uniform(), 1 / shape);
        }

        double d = shape - (1.0 / 3), c = 1 / Math.Sqrt(9 * d);
        while (true)
        {
            double x = Normal(), v = 1 + (c * x);
            v = v * v * v;
            if (v > 0 && Math.Log(1 - Uniform()) < (0.5 * x * x) + d - (d * v) + (d * Math.Log(v)))
            {
                return d * v;
            }
        }
    }

    private double Normal() => Math.Sqrt(-2 * Math.Log(1 - Uniform())) * Math.Cos(2 * Math.PI * Uniform());
}

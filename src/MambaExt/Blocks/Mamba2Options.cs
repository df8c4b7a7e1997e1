namespace MambaExt.Blocks;

/// <summary>Sizes and initialization of a <see cref="Mamba2Block"/>; names and defaults as published with Mamba-2.</summary>
/// <param name="d_model">Width of the block's input and output.</param>
public sealed record Mamba2Options(int d_model)
{
    /// <summary>N, the state size: 1 to 1024.</summary>
    public int d_state { get; init; } = 128;

    /// <summary>W, the taps of the convolution: 2, 3 or 4.</summary>
    public int d_conv { get; init; } = 4;

    /// <summary>d_inner = expand * d_model.</summary>
    public int expand { get; init; } = 2;

    /// <summary>P, the width of a head: 1 to 1024, a divisor of d_inner.</summary>
    public int headdim { get; init; } = 64;

    /// <summary>G, groups of B and C: a divisor of the number of heads.</summary>
    public int ngroups { get; init; } = 1;

    /// <summary>D has an entry for each channel, not for each head.</summary>
    public bool D_has_hdim { get; init; }

    /// <summary>Norm before out_proj; without it the gate is inside the scan.</summary>
    public bool rmsnorm { get; init; } = true;

    /// <summary>Gate after the norm: <c>rms(y) w silu(z)</c>; otherwise before, <c>rms(y silu(z)) w</c>.</summary>
    public bool norm_before_gate { get; init; }

    /// <summary>Added to the mean square of the norm.</summary>
    public double norm_eps { get; init; } = 1e-5;

    /// <summary>Smallest initial decay rate of a head.</summary>
    public double A_init_min { get; init; } = 1;

    /// <summary>Largest initial decay rate of a head.</summary>
    public double A_init_max { get; init; } = 16;

    /// <summary>Smallest initial step.</summary>
    public double dt_min { get; init; } = 0.001;

    /// <summary>Largest initial step.</summary>
    public double dt_max { get; init; } = 0.1;

    /// <summary>Initial steps are held above this.</summary>
    public double dt_init_floor { get; init; } = 1e-4;

    /// <summary>Steps are held within these.</summary>
    public (double Least, double Largest) dt_limit { get; init; } = (0, double.PositiveInfinity);

    /// <summary>Bias of in_proj and out_proj.</summary>
    public bool bias { get; init; }

    /// <summary>Bias of the convolution.</summary>
    public bool conv_bias { get; init; } = true;

    /// <summary>Channels of the scan, H P.</summary>
    public int d_inner => expand * d_model;

    /// <summary>H.</summary>
    public int nheads => d_inner / headdim;

    /// <summary>Channels of the convolution: x, B and C.</summary>
    public int conv_dim => d_inner + 2 * ngroups * d_state;

    /// <summary>Throws one sentence with everything that is out of range.</summary>
    public void Validate()
    {
        var faults = new List<string>();
        void Need(bool good, string text)
        {
            if (!good)
            {
                faults.Add(text);
            }
        }

        const int Most = int.MaxValue / 8;
        Need(d_model >= 1, $"d_model is {d_model}, allowed are 1 and more");
        Need(d_state is >= 1 and <= 1024, $"d_state is {d_state}, allowed are 1 to 1024");
        Need(d_conv is >= 2 and <= 4, $"d_conv is {d_conv}, allowed are 2, 3 and 4");
        Need(expand >= 1, $"expand is {expand}, allowed are 1 and more");
        Need(ngroups >= 1, $"ngroups is {ngroups}, allowed are 1 and more");
        Need(headdim is >= 1 and <= 1024, $"headdim is {headdim}, allowed are 1 to 1024");
        if (faults.Count == 0)
        {
            long inner = (long)expand * d_model;
            Need(inner <= Most && (long)ngroups * d_state <= Most, $"expand * d_model and ngroups * d_state are {inner} and {(long)ngroups * d_state}, allowed are up to {Most}");
            Need(inner % headdim == 0, $"expand * d_model is {inner}, which headdim {headdim} must divide");
            Need(inner % headdim != 0 || inner / headdim % ngroups == 0, $"there are {inner / headdim} heads, which ngroups {ngroups} must divide");
        }

        Need(double.IsFinite(dt_min) && dt_min > 0 && double.IsFinite(dt_max) && dt_max >= dt_min, $"dt_min and dt_max are {dt_min} and {dt_max}, which must be finite with 0 < dt_min <= dt_max");
        Need(double.IsFinite(dt_init_floor) && dt_init_floor > 0, $"dt_init_floor is {dt_init_floor}, which must be finite and above 0");
        Need(dt_limit.Least <= dt_limit.Largest && dt_limit.Largest >= 0, $"dt_limit is {dt_limit.Least} to {dt_limit.Largest}, of which the first must not be above the second");
        Need(double.IsFinite(norm_eps) && norm_eps >= 0, $"norm_eps is {norm_eps}, which must be finite and not negative");
        Need(double.IsFinite(A_init_max) && A_init_min > 0 && A_init_min <= A_init_max, $"A_init_min and A_init_max are {A_init_min} and {A_init_max}, which must be finite with 0 < A_init_min <= A_init_max");
        if (faults.Count > 0)
        {
            throw new ArgumentException($"Mamba-2 options: {string.Join("; ", faults)}; correct them where the block is made.");
        }
    }
}

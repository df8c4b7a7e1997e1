using MambaExt.Tests.Shared;
using MambaExt.Vision;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Tests.Vision;

public sealed class MapScanTests : TensorTests
{
    private static readonly Scan2dOptions Sizes = new(6, 3, 4) { d_state = 5, dt_rank = 2 };

    [Fact]
    public void The_shared_scan_equals_four_naive_scans()
    {
        using Ssm2d scan = InDouble(new Ssm2d(Sizes));
        Tensor map = Draw(2, 3, 4, 6);
        var (y, signals) = scan.ForwardWithSignals(map);
        Dictionary<string, Tensor> p = Values(scan);
        for (int sample = 0; sample < 2; sample++)
        {
            double[,,] expected = new double[3, 4, 6];
            for (int direction = 0; direction < 4; direction++)
            {
                (int Row, int Column)[] walk = NaiveMapScan.Walk(direction, 3, 4);
                double[,] rows = Rows(map, sample, walk), both = NaiveMapScan.Linear(rows, Matrix(p["in_proj.weight"]));
                double[,] x = NaiveMapScan.Columns(both, 0, 6), z = NaiveMapScan.Columns(both, 6, 6), u = CausalConvolution(x, p["conv1d.weight"], p["conv1d.bias"]);
                double[,] selected = NaiveMapScan.Linear(u, Matrix(p["x_proj.weight"])), low = NaiveMapScan.Columns(selected, 0, 2);
                double[,] delta = Map(NaiveMapScan.Linear(low, Matrix(p["dt_proj.weight"]), Vector(p["dt_proj.bias"])), NaiveMapScan.Softplus);
                double[,] b = NaiveMapScan.Columns(selected, 2, 5), c = NaiveMapScan.Columns(selected, 7, 5);
                double[,] out_ = NaiveMapScan.Scan(u, delta, Map(Matrix(p["A_log"]), v => -Math.Exp(v)), b, c, Vector(p["D"]));
                for (int l = 0; l < walk.Length; l++)
                {
                    for (int d = 0; d < 6; d++)
                    {
                        expected[walk[l].Row, walk[l].Column, d] += out_[l, d] * NaiveMapScan.Silu(z[l, d]);
                    }
                }

                TensorAssert.Close(tensor(low), signals.dt_low[sample, direction], 1e-12, $"dt_low of direction {direction}");
                TensorAssert.Close(tensor(b), signals.B[sample, direction], 1e-12, $"B of direction {direction}");
                TensorAssert.Close(tensor(c), signals.C[sample, direction], 1e-12, $"C of direction {direction}");
                if (direction == 0)
                {
                    TensorAssert.Close(tensor(z), signals.z[sample], 1e-12, "z");
                }
            }

            TensorAssert.Close(tensor(expected), y[sample], 1e-11, $"sample {sample}");
        }
    }

    [Fact]
    public void The_grouped_scan_equals_four_naive_scans_with_weights_of_their_own()
    {
        using Ss2d scan = InDouble(new Ss2d(Sizes));
        Tensor map = Draw(1, 3, 4, 6);
        var (y, signals) = scan.ForwardWithSignals(map);
        Dictionary<string, Tensor> p = Values(scan);
        (int Row, int Column)[] plain = NaiveMapScan.Walk(0, 3, 4);
        double[,] both = NaiveMapScan.Linear(Rows(map, 0, plain), Matrix(p["in_proj.weight"]));
        double[,] mixed = Convolution(NaiveMapScan.Columns(both, 0, 6), 3, 4, p["conv2d.weight"], p["conv2d.bias"]), z = NaiveMapScan.Columns(both, 6, 6);
        var sum = new double[12, 6];
        for (int direction = 0; direction < 4; direction++)
        {
            (int Row, int Column)[] walk = NaiveMapScan.Walk(direction, 3, 4);
            var u = new double[12, 6];
            Each(walk, (l, cell, d) => u[l, d] = mixed[(cell.Row * 4) + cell.Column, d]);
            double[,] selected = NaiveMapScan.Linear(u, Matrix(p["x_proj_weight"][direction])), low = NaiveMapScan.Columns(selected, 0, 2);
            double[,] delta = Map(NaiveMapScan.Linear(low, Matrix(p["dt_projs_weight"][direction]), Vector(p["dt_projs_bias"][direction])), NaiveMapScan.Softplus);
            double[,] b = NaiveMapScan.Columns(selected, 2, 5), c = NaiveMapScan.Columns(selected, 7, 5);
            double[,] out_ = NaiveMapScan.Scan(
                u, delta, Map(Matrix(p["A_logs"].narrow(0, direction * 6, 6)), v => -Math.Exp(v)), b, c, Vector(p["Ds"].narrow(0, direction * 6, 6)));
            Each(walk, (l, cell, d) => sum[(cell.Row * 4) + cell.Column, d] += out_[l, d]);
            TensorAssert.Close(tensor(low), signals.dt_low[0, direction], 1e-12, $"dt_low of direction {direction}");
            TensorAssert.Close(tensor(b), signals.B[0, direction], 1e-12, $"B of direction {direction}");
            TensorAssert.Close(tensor(c), signals.C[0, direction], 1e-12, $"C of direction {direction}");
        }

        TensorAssert.Close(tensor(z), signals.z[0], 1e-12, "z");
        var expected = new double[3, 4, 6];
        for (int cell = 0; cell < 12; cell++)
        {
            double[] row = [.. Enumerable.Range(0, 6).Select(d => sum[cell, d])];
            double mean = row.Average(), deviation = Math.Sqrt(row.Average(v => (v - mean) * (v - mean)) + 1e-5);
            for (int d = 0; d < 6; d++)
            {
                expected[cell / 4, cell % 4, d] = (row[d] - mean) / deviation * NaiveMapScan.Silu(z[cell, d]);
            }
        }

        TensorAssert.Close(tensor(expected), y[0], 1e-11);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Gradients_agree_with_finite_differences(bool grouped)
    {
        using MapScan scan = Make(grouped);
        Tensor map = Draw(2, 3, 4, 6).requires_grad_(), weight = Draw(2, 3, 4, 6);
        Loss(map).backward();
        Check("map", map, map.grad!);
        foreach (var (name, parameter) in scan.named_parameters())
        {
            Check(name, parameter, parameter.grad!);
        }

        Tensor Loss(Tensor x)
        {
            var (y, s) = scan.ForwardWithSignals(x);
            return (y * weight).sum() + s.dt_low.sin().sum() + (s.B * s.C).sum() + s.z.pow(2).sum();
        }

        // One random direction a tensor.
        void Check(string name, Tensor at, Tensor gradient)
        {
            using IDisposable _ = no_grad();
            Tensor step = randn_like(at);
            const double Size = 1e-6;
            at.add_(step * Size);
            double above = Loss(map).item<double>();
            at.sub_(step * (2 * Size));
            double below = Loss(map).item<double>();
            at.add_(step * Size);
            double expected = (above - below) / (2 * Size), found = (gradient * step).sum().item<double>();
            Assert.True(Math.Abs(expected - found) < 1e-6 * (1 + Math.Abs(expected)), $"{name}: {found} where differences give {expected}");
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_zero_gate_silences_the_scan_and_gradients_reach_the_gate_alone(bool grouped)
    {
        using MapScan scan = Make(grouped);
        scan.ZeroGate();
        Tensor y = scan.forward(Draw(2, 3, 4, 6));
        Assert.Equal(0, y.abs().max().item<double>());
        (y * Draw(2, 3, 4, 6)).sum().backward();
        foreach (var (name, parameter) in scan.named_parameters())
        {
            if (name == "in_proj.weight")
            {
                Assert.Equal(0, parameter.grad!.narrow(0, 0, 6).abs().max().item<double>());
                Assert.True(parameter.grad!.narrow(0, 6, 6).abs().min().item<double>() > 0);
            }
            else
            {
                Assert.Equal((name, 0.0), (name, parameter.grad is { } g ? g.abs().max().item<double>() : 0));
            }
        }
    }

    [Fact]
    public void Turning_the_map_half_round_swaps_each_shared_direction_with_its_reverse()
    {
        using MapScan scan = Make(grouped: false);
        Tensor map = Draw(1, 3, 4, 6);
        TensorAssert.Close(scan.forward(map).flip(1, 2), scan.forward(map.flip(1, 2)), 1e-13);
        Tensor b = scan.ForwardWithSignals(map).Signals.B, turned = scan.ForwardWithSignals(map.flip(1, 2)).Signals.B;
        TensorAssert.Close(b.select(1, 0), turned.select(1, 1), 1e-13);
        TensorAssert.Close(b.select(1, 2), turned.select(1, 3), 1e-13);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Batch_mates_do_not_change_a_result(bool grouped)
    {
        using MapScan scan = Make(grouped);
        Tensor map = Draw(3, 3, 4, 6);
        TensorAssert.Close(scan.forward(map).narrow(0, 1, 1), scan.forward(map.narrow(0, 1, 1)), 1e-13);
    }

    [Fact]
    public void A_map_of_another_size_is_refused()
    {
        using MapScan scan = Make(grouped: true);
        Refusal.Of<ArgumentException>(() => scan.forward(Draw(1, 4, 3, 6)), "[1, 4, 3, 6]", "[B, 3, 4, 6]");
        Refusal.Of<ArgumentException>(() => new Ssm2d(new Scan2dOptions(4, 0, 2) { d_state = 300 }), "height", "d_state is 300");
    }

    [Theory]
    [InlineData(512, 5, false, 2_735_872 - 820_480 - 64_000 - 655_360 - 12_800)]
    [InlineData(1024, 7, true, 9_084_928 - 525_312 - 100_352 - 1_048_576 - 50_176)]
    public void Published_sizes_have_the_published_numbers_of_parameters(int width, int size, bool grouped, long expected)
    {
        var sizes = new Scan2dOptions(width, size, size) { d_state = 256, dt_rank = 256 };
        using MapScan scan = grouped ? new Ss2d(sizes) : new Ssm2d(sizes);
        Assert.Equal(expected, scan.ParameterCount);
    }

    private static MapScan Make(bool grouped) => grouped ? InDouble(new Ss2d(Sizes)) : InDouble(new Ssm2d(Sizes));

    private static T InDouble<T>(T scan)
        where T : nn.Module
    {
        scan.to(ScalarType.Float64);
        return scan;
    }

    private static Dictionary<string, Tensor> Values(nn.Module module) => module.named_parameters().ToDictionary(p => p.name, p => p.parameter.detach());

    private static double[,] Rows(Tensor map, int sample, (int Row, int Column)[] walk)
    {
        var rows = new double[walk.Length, 6];
        Each(walk, (l, cell, d) => rows[l, d] = map[sample, cell.Row, cell.Column, d].item<double>());
        return rows;
    }

    private static void Each((int Row, int Column)[] walk, Action<int, (int Row, int Column), int> action)
    {
        for (int l = 0; l < walk.Length; l++)
        {
            for (int d = 0; d < 6; d++)
            {
                action(l, walk[l], d);
            }
        }
    }

    private static double[,] CausalConvolution(double[,] x, Tensor weight, Tensor bias)
    {
        var u = new double[x.GetLength(0), 6];
        for (int l = 0; l < u.GetLength(0); l++)
        {
            for (int d = 0; d < 6; d++)
            {
                double sum = bias[d].item<double>();
                for (int tap = 0; tap < 4; tap++)
                {
                    sum += l - 3 + tap >= 0 ? weight[d, 0, tap].item<double>() * x[l - 3 + tap, d] : 0;
                }

                u[l, d] = NaiveMapScan.Silu(sum);
            }
        }

        return u;
    }

    private static double[,] Convolution(double[,] cells, int height, int width, Tensor weight, Tensor bias)
    {
        var result = new double[height * width, 6];
        for (int r = 0; r < height; r++)
        {
            for (int c = 0; c < width; c++)
            {
                for (int d = 0; d < 6; d++)
                {
                    double sum = bias[d].item<double>();
                    for (int i = Math.Max(0, r - 1); i <= Math.Min(height - 1, r + 1); i++)
                    {
                        for (int j = Math.Max(0, c - 1); j <= Math.Min(width - 1, c + 1); j++)
                        {
                            sum += weight[d, 0, i - r + 1, j - c + 1].item<double>() * cells[(i * width) + j, d];
                        }
                    }

                    result[(r * width) + c, d] = NaiveMapScan.Silu(sum);
                }
            }
        }

        return result;
    }

    private static double[,] Map(double[,] values, Func<double, double> f)
    {
        var result = (double[,])values.Clone();
        for (int i = 0; i < result.GetLength(0); i++)
        {
            for (int j = 0; j < result.GetLength(1); j++)
            {
                result[i, j] = f(result[i, j]);
            }
        }

        return result;
    }

    private static double[,] Matrix(Tensor t)
    {
        var values = new double[t.shape[0], t.shape[1]];
        Buffer.BlockCopy(t.contiguous().data<double>().ToArray(), 0, values, 0, (int)t.numel() * sizeof(double));
        return values;
    }

    private static double[] Vector(Tensor t) => t.contiguous().data<double>().ToArray();
}

using MambaExt.Tests.Shared;
using MambaExt.Vision;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Fscil.Tests.Projectors;

/// <summary>A map with rows and columns exchanged: its row-major walk is the column-major one of the map as it was.</summary>
public sealed class ScanDirectionTests : TensorTests
{
    // Direction k of the transposed map is this one of the map itself.
    private static readonly long[] Exchanged = [2, 3, 0, 1];

    [Fact]
    public void Transposing_the_map_exchanges_the_shared_directions_and_transposes_their_sum()
    {
        using Ssm2d scan = new(new Scan2dOptions(6, 3, 4) { d_state = 5, dt_rank = 2 }), other = new(new Scan2dOptions(6, 4, 3) { d_state = 5, dt_rank = 2 });
        Copy(scan, other, (_, value) => value);
        Same(scan, other);
    }

    [Fact]
    public void With_weights_of_their_own_the_directions_exchange_them_too()
    {
        using Ss2d scan = new(new Scan2dOptions(6, 3, 4) { d_state = 5, dt_rank = 2 }), other = new(new Scan2dOptions(6, 4, 3) { d_state = 5, dt_rank = 2 });
        Tensor order = tensor(Exchanged);
        Copy(scan, other, (name, value) => name switch
        {
            "conv2d.weight" => value.transpose(-1, -2),
            "x_proj_weight" or "dt_projs_weight" or "dt_projs_bias" => value.index_select(0, order),
            "A_logs" or "Ds" => value.reshape([4, 6, .. value.shape[1..]]).index_select(0, order).reshape(value.shape),
            _ => value,
        });
        Same(scan, other);
    }

    private static void Same(MapScan scan, MapScan transposed)
    {
        scan.to(ScalarType.Float64);
        transposed.to(ScalarType.Float64);
        Tensor map = Draw(2, 3, 4, 6);
        var (y, s) = scan.ForwardWithSignals(map);
        var (z, t) = transposed.ForwardWithSignals(map.transpose(1, 2).contiguous());
        TensorAssert.Close(y.transpose(1, 2), z, 1e-12);
        Tensor order = tensor(Exchanged);
        foreach (var (one, other) in new[] { (s.dt_low, t.dt_low), (s.B, t.B), (s.C, t.C) })
        {
            TensorAssert.Close(one.index_select(1, order), other, 1e-12);
            Assert.True((one.select(1, 0) - one.select(1, 2)).abs().max().item<double>() > 1e-6, "the directions differ");
        }
    }

    private static void Copy(nn.Module from, nn.Module to, Func<string, Tensor, Tensor> change)
    {
        using IDisposable _ = no_grad();

        // Not as they begin: weights that are alike in all directions would hide an exchange.
        foreach (var (name, parameter) in from.named_parameters())
        {
            parameter.add_(randn_like(parameter) * 0.1);
            to.named_parameters().Single(p => p.name == name).parameter.copy_(change(name, parameter));
        }
    }
}

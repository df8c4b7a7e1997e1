using static TorchSharp.torch;

namespace MambaExt.Vision;

/// <summary>The four orders of a map as index tensors, on whatever device they are wanted. No state of a module: they follow from its sizes.</summary>
internal sealed class ScanOrders(Scan2dOptions options)
{
    private readonly IReadOnlyList<ScanOrder> _orders = ScanOrder.FourDirections(options.height, options.width);

    /// <summary>int64 [4 L]: <see cref="ScanOrder.Indices"/>.</summary>
    public Tensor Indices(Device device) => ScanOrder.Indices(_orders).to(device);

    /// <summary>int64 [4 L]: <see cref="ScanOrder.Inverses"/>.</summary>
    public Tensor Inverses(Device device) => ScanOrder.Inverses(_orders).to(device);
}

namespace MambaExt.Data.Images;

/// <summary>The pixels of one image: 8 bits a channel, 0 ... 255, [C, H, W] row by row (red, green, blue where there are three channels).</summary>
/// <param name="Pixels">C * H * W bytes.</param>
/// <param name="Channels">C.</param>
/// <param name="Size">H and W.</param>
public readonly record struct ImageView(ReadOnlyMemory<byte> Pixels, int Channels, ImageSize Size);
